/** @typedef {"left"|"removed"|"banned"|"rejected"|"absent"|"replaced"} TokenReason */
/** A call that failed. */
export class ApiError extends Error {
	/**
	 * @param {object} failure
	 * @param {string} failure.code  the contract's; "NETWORK": no answer; "BLOCKED": somebody in between (a
	 *   firewall, a captive portal) has answered in place of the service; "BAD_ANSWER": a proxy says that the
	 *   service is away; "NO_WEBRTC": this browser cannot connect to others; "CLIENT_ERROR": a fault of the
	 *   client's own
	 * @param {string} failure.message  for people
	 * @param {number} failure.status  of the answer; 0 where none came
	 * @param {string} [failure.field]  the field that was wrong
	 * @param {TokenReason} [failure.reason]  why a token is good for nothing any more
	 * @param {number} [failure.retryAfterMs]  how long the service wants to be left alone
	 */
	constructor({ code, message, status, field, reason, retryAfterMs }: {
		code: string;
		message: string;
		status: number;
		field?: string | undefined;
		reason?: TokenReason | undefined;
		retryAfterMs?: number | undefined;
	});
	code: string;
	status: number;
	field: string | undefined;
	reason: TokenReason | undefined;
	retryAfterMs: number;
	/** Whether nothing is wrong with the request itself: the network, the service or its database failed. */
	get isOutage(): boolean;
	/** Whether the same call may succeed later. */
	get isTemporary(): boolean;
	/** Whether somebody in between has answered: that says nothing about the room or the seat. */
	get isBlocked(): boolean;
}
type TokenReason = "left" | "removed" | "banned" | "rejected" | "absent" | "replaced";
declare class IceServers {
	/**
	 * @param {() => Promise<NamedServers>} fetch  asks the service
	 * @param {(error: ApiError) => void} onError  they cannot be known or renewed for now
	 * @param {NamedServers} [named]  where they are known
	 */
	constructor(fetch: () => Promise<NamedServers>, onError: (error: ApiError) => void, named?: NamedServers);
	/** @type {RTCIceServer[]} as they are known */
	current: RTCIceServer[];
	/**
	 * Whether pages may learn each other's addresses. Until that is known, they do not.
	 *
	 * @type {RTCIceTransportPolicy}
	 */
	policy: RTCIceTransportPolicy;
	/** @returns {Promise<RTCIceServer[]>} asked for before, if it is time; never rejects */
	fresh(): Promise<RTCIceServer[]>;
	#private;
}
type NamedServers = {
	iceServers: RTCIceServer[];
	iceTransportPolicy?: RTCIceTransportPolicy | undefined;
	ttlSeconds: number;
};
type MemberRole = "host" | "player" | "spectator";
type Role = MemberRole | "guest";
type Presence = "online" | "away" | "disconnected";
type Participant = {
	id: string;
	name: string;
	isHost: boolean;
	role: MemberRole;
	/**
	 * counted from 0
	 */
	seat: number | null;
	/**
	 * `away`: asleep, or not heard of for a while; `disconnected`: for long
	 */
	presence: Presence;
	/**
	 * whether `presence` is "online"
	 */
	online: boolean;
	score: number;
	/**
	 * ISO 8601, UTC
	 */
	joinedAt: string;
};
type JoinRequest = {
	id: string;
	name: string;
	/**
	 * ISO 8601, UTC
	 */
	requestedAt: string;
	presence: Presence;
};
type RoomSettings = {
	/**
	 * the room's own
	 */
	name: string | null;
	/**
	 * what the list groups by
	 */
	gameType: string | null;
	/**
	 * whoever joins waits until the host lets it in
	 */
	approval: boolean;
	/**
	 * nobody joins
	 */
	locked: boolean;
	/**
	 * `Party.list` shows the room
	 */
	listed: boolean;
	/**
	 * how many numbered seats there are
	 */
	seats: number;
	/**
	 * players may write the room's state
	 */
	sharedState: boolean;
	/**
	 * what happens when the host leaves or is gone
	 */
	hostGone: "end" | "promote";
	/**
	 * whether the service takes data where no path opens; it is not to be changed
	 */
	relay: boolean;
};
type Room = {
	code: string;
	status: "waiting" | "playing" | "ended";
	hostId: string;
	hostName: string;
	maxParticipants: number;
	secondsPerQuestion: number;
	/**
	 * an index, from 0
	 */
	currentQuestion: number;
	quizData: Record<string, any> | null;
	/**
	 * how often the game has been started
	 */
	round: number;
	/**
	 * of the question that is open; null where none is
	 */
	questionOpenedAt: string | null;
	/**
	 * what the own time is multiplied by, where that is not 1
	 */
	extraTime?: number | undefined;
	/**
	 * the host's: who has extra time
	 */
	extraTimes?: Record<string, number> | undefined;
	/**
	 * ISO 8601, UTC, as the other times
	 */
	createdAt: string;
	startedAt: string | null;
	endedAt: string | null;
	/**
	 * where the stream of this room stands
	 */
	seq: number;
	/**
	 * when this was written
	 */
	serverTime: string;
	settings: RoomSettings;
	/**
	 * in order of joining
	 */
	participants: Participant[];
	/**
	 * the host's: in order of asking
	 */
	requests?: JoinRequest[] | undefined;
	/**
	 * what the room and its members share, as far as this page may see it
	 */
	state?: SharedState | undefined;
};
type RoomPreview = {
	code: string;
	status: "waiting" | "playing" | "ended";
	/**
	 * the room's own
	 */
	name: string | null;
	gameType: string | null;
	hostName: string;
	participantCount: number;
	maxParticipants: number;
	needsPassword: boolean;
	/**
	 * whoever joins waits until the host lets it in
	 */
	approval: boolean;
	/**
	 * nobody joins
	 */
	locked: boolean;
};
type RoomList = {
	rooms: RoomPreview[];
	next: string | null;
};
type RoomWithYou = Room & {
	you: {
		id: string;
		role: Role;
		token?: string;
	};
};
type StreamMessage = {
	seq: number;
	/**
	 * "offer", "answer", "ice", "data", or an event such as "participant-joined"
	 */
	type: string;
	fromId: string | null;
	toId: string | null;
	payload: Record<string, any>;
	/**
	 * ISO 8601, UTC
	 */
	createdAt: string;
};
type AnswerResult = {
	questionIndex: number;
	isCorrect: boolean;
	/**
	 * 10 for a correct answer, and up to 5 for speed
	 */
	points: number;
	/**
	 * with these points
	 */
	score: number;
	/**
	 * the question had been answered before: this is the first result
	 */
	repeated?: true | undefined;
};
type Standing = {
	participantId: string;
	name: string;
	score: number;
};
type RoundResult = {
	/**
	 * counted from 1
	 */
	round: number;
	startedAt: string;
	finishedAt: string | null;
	questions: {
		index: number;
		question: any;
		answeredCount: number;
		rightCount: number;
		medianMs: number | null;
		distribution: number[];
	}[];
	/**
	 * the winner first
	 */
	standings: (Standing & {
		rightCount: number;
		answeredCount: number;
	})[];
};
type PollAnswer = {
	/**
	 * in ascending order of `seq`
	 */
	messages: StreamMessage[];
	/**
	 * the next cursor
	 */
	seq: number;
	/**
	 * the answer was full, there is more at once
	 */
	more: boolean;
	/**
	 * a signal has expired unseen
	 */
	gap: boolean;
	room?: RoomWithYou | undefined;
	/**
	 * what of the shared state has changed
	 */
	state?: StateChange[] | undefined;
	pollAfterMs: number;
};
type SharedKeys = Record<string, {
	value: any;
	seq: number;
}>;
type SharedState = {
	room: SharedKeys;
	members: Record<string, SharedKeys>;
};
type StateChange = {
	scope: "room" | "me";
	/**
	 * whose key it is; null: the room's
	 */
	by: string | null;
	key: string;
	value?: any;
	/**
	 * there is no value any more, or none for this page
	 */
	removed?: true | undefined;
	seq: number;
};
type Emoji = "heart" | "laugh" | "fire" | "sad" | "thumbsup" | "thumbsdown" | "star" | "question";
type Reaction = {
	emoji: Emoji;
	participantIds: string[];
};
type Drawing = {
	operations: Record<string, any>[];
	width: number;
	height: number;
};
type UploadedImage = {
	imageId: string;
	url: string;
	width: number;
	height: number;
};
type Said = {
	id: number;
	fromId: string;
	/**
	 * the author's, as it was then
	 */
	name: string;
	/**
	 * ISO 8601, UTC
	 */
	createdAt: string;
	reactions: Reaction[];
};
type ChatMessage = Said & ({
	type: "text";
	content: string;
} | {
	type: "drawing";
	content: Drawing;
} | {
	type: "image";
	content: {
		url: string;
		width: number;
		height: number;
	};
});
type OutgoingSignal = {
	toId: string;
	type: "offer" | "answer" | "ice" | "data";
	payload: Record<string, any>;
	/**
	 * makes a repeated send harmless
	 */
	clientMsgId: string;
};
type Seat = {
	code: string;
	id: string;
	token: string;
};
declare class Api {
	/** @param {URL} baseUrl  where the service is mounted, with a slash at its end */
	constructor(baseUrl: URL);
	/** @type {(record: RequestRecord) => void} told of every request when it is over */
	onRequest: (record: RequestRecord) => void;
	/**
	 * As the service has told them along with a seat, where a page may read that: from another site it may not.
	 *
	 * @type {import("./ice-servers.js").NamedServers|undefined}
	 */
	iceServers: NamedServers | undefined;
	baseUrl: URL;
	/**
	 * @param {{hostName: string, password?: string, retryKey?: string, [option: string]: unknown}} body
	 * @returns {Promise<RoomWithYou>}
	 */
	createRoom(body: {
		hostName: string;
		password?: string;
		retryKey?: string;
		[option: string]: unknown;
	}): Promise<RoomWithYou$1>;
	/**
	 * @param {string} code
	 * @param {{name: string, participantId?: string, password?: string, retryKey?: string}} body
	 * @returns {Promise<RoomWithYou>}
	 */
	joinRoom(code: string, body: {
		name: string;
		participantId?: string;
		password?: string;
		retryKey?: string;
	}): Promise<RoomWithYou$1>;
	/**
	 * @param {string} code
	 * @returns {Promise<RoomPreview>}
	 */
	preview(code: string): Promise<RoomPreview$1>;
	/**
	 * @param {{gameType?: string, after?: string, limit?: number}} query
	 * @returns {Promise<RoomList>}
	 */
	list(query: {
		gameType?: string;
		after?: string;
		limit?: number;
	}): Promise<RoomList$1>;
	/**
	 * @param {string} method
	 * @param {string} path  relative to the mount point
	 * @param {CallOptions & {body?: object}} [options]
	 * @returns {Promise<any>} the answer's `data`; rejects with an `ApiError`, or a `TypeError` where the body
	 *   is nothing that JSON can express
	 */
	call(method: string, path: string, { body, ...options }?: CallOptions & {
		body?: object;
	}): Promise<any>;
	#private;
}
type RoomList$1 = RoomList;
type RoomPreview$1 = RoomPreview;
type RoomWithYou$1 = RoomWithYou;
type RequestRecord = {
	method: string;
	path: string;
	/**
	 * 0 where no answer came
	 */
	status: number;
	durationMs: number;
};
type CallOptions = {
	headers?: Record<string, string> | undefined;
	/**
	 * gives the call up; it then rejects with the signal's reason
	 */
	signal?: AbortSignal | undefined;
	timeoutMs?: number | undefined;
	/**
	 * let the request outlive the page
	 */
	keepalive?: boolean | undefined;
};
declare class Images {
	/**
	 * Upload an image, as the host or a player: a PNG, JPEG, GIF or WebP of at most 2 MiB. The service keeps its pixels
	 * and nothing else.
	 *
	 * @param {Blob} file  a `File` from an input, a drop or the clipboard, or any other `Blob`
	 * @returns {Promise<UploadedImage>} its `imageId` is for `say`, its `url` for an `<img>`
	 */
	upload(file: Blob): Promise<UploadedImage$1>;
}
type UploadedImage$1 = UploadedImage;
type Reason = "no-candidates" | "no-answer" | "ice-failed" | "turn-refused" | "not-supported" | "sleeping";
type Refusal = {
	/**
	 * its address
	 */
	server: string;
	/**
	 * of STUN: 401 for wrong credentials, 486 for too many allocations, …
	 */
	code: number;
};
type Attempt = {
	/**
	 * whether all addresses of this page are known
	 */
	isGathered: boolean;
	/**
	 * how many those are
	 */
	candidates: number;
	/**
	 * those that the other page has told
	 */
	theirCandidates: number;
	/**
	 * whether the other page has taken part
	 */
	isAnswered: boolean;
	refusal: Refusal | null;
};
type PeerState = "connecting" | "open" | "interrupted" | "relayed" | "failed";
type Why = {
	reason?: Reason | undefined;
	/**
	 * that has refused
	 */
	server?: string | undefined;
	/**
	 * with which it has
	 */
	code?: number | undefined;
};
type IceServers$1 = Pick<IceServers, "current" | "fresh" | "policy">;
type SignalPayload = {
	/**
	 * chosen at random by the side that began it
	 */
	connection: string;
	/**
	 * counts the offers of one connection, from 1
	 */
	negotiation: number;
	description?: RTCSessionDescriptionInit | undefined;
	candidates?: RTCIceCandidateInit[] | undefined;
};
type NegotiationOptions = {
	/**
	 * of the connection
	 */
	id: string;
	polite: boolean;
	iceServers: IceServers$1;
	/**
	 * sends a signal soon,
	 * under the `clientMsgId` that it gives
	 */
	post: (type: "offer" | "answer" | "ice", payload: SignalPayload) => string;
	/**
	 * something has been seen that may tell why it does not connect
	 */
	onSeen?: (() => void) | undefined;
	onCandidateError?: ((event: RTCPeerConnectionIceErrorEvent) => void) | undefined;
};
type Data = string | ArrayBuffer;
type Frames = Iterable<string | Uint8Array<ArrayBuffer>>;
type Packed = Frames & {
	kind: "text" | "binary";
	size: number;
	bytes: Uint8Array<ArrayBuffer>;
};
declare class Delivery {
	/**
	 * @param {number} life
	 * @param {(count: number) => void} onGap  another page has taken the other's place; so many messages to the one
	 *   before are not known to have arrived, and are not sent any more
	 */
	constructor(life: number, onGap: (count: number) => void);
	/** Whether the other page has been heard. */
	get isHeard(): boolean;
	/** How many messages are not known to have arrived. */
	get unconfirmed(): number;
	/** The last of the small ones that is known to have arrived. */
	get confirmed(): number;
	/** @returns {Header} */
	get header(): Header;
	/**
	 * The other page speaks.
	 *
	 * @param {Header} header
	 * @returns {boolean} false: an earlier page, or one that means an earlier one; the rest is not for us
	 */
	hear({ from, to, have }: Header): boolean;
	/**
	 * Take a message over from the app.
	 *
	 * @param {Packed} packed
	 * @param {boolean} isOpen  whether there is a channel, which takes large messages without end
	 * @returns {boolean} false: too much is under way
	 */
	accept(packed: Packed$1, isOpen: boolean): boolean;
	/** @returns {Way} a new way, on which nothing has been sent */
	way(): Way;
	/**
	 * @param {Way} way
	 * @param {{small?: boolean}} [only]  `small`: no large ones
	 * @returns {Numbered|undefined} what is to be sent next on a way, once the other page has been heard
	 */
	next(way: Way, only?: {
		small?: boolean;
	}): Numbered | undefined;
	/**
	 * @param {Way} way
	 * @param {string} tag  of what has been sent on it
	 */
	sent(way: Way, tag: string): void;
	/**
	 * What has been sent on a way and is not confirmed is sent again.
	 *
	 * @param {Way} way
	 */
	rewind(way: Way): void;
	/**
	 * @param {string} tag  of a message that has come; "" of one without, which is taken as it is
	 * @returns {boolean} whether it is the next, and has been had by now
	 */
	take(tag: string): boolean;
	/** @param {string} tag */
	isNext(tag: string): boolean;
	#private;
}
type Packed$1 = Packed;
type Header = {
	from: number;
	to: number | null;
	have: number[];
};
type Numbered = {
	tag: string;
	packed: Packed$1;
};
type Way = {
	/**
	 * what is sent on it next, of the small ones and of the large ones
	 */
	next: number[];
	/**
	 * the other page's life for which these are counted
	 */
	to: number | null;
};
type Header$1 = Header;
type Item = [
	tag: string,
	text: string
] | [
	tag: string,
	kind: "text" | "binary",
	size: number,
	start: number,
	base64: string
];
type Packet = Header$1 & {
	inflates?: boolean;
	items?: Item[];
	deflated?: string;
};
declare class Connection {
	/** @param {ConnectionOptions} options */
	constructor({ tracks, onState, onData, onWord, maxMessageBytes, onTooLarge, onTrack, ...options }: ConnectionOptions);
	/** Whether this side has begun it. */
	isOwn: boolean;
	id: string;
	/** Whether data can be sent. */
	get isOpen(): boolean;
	/**
	 * Whether this side has begun the connection and the other side has not answered yet. It means that
	 * the other side may have begun one at the same time.
	 */
	get awaitsFirstAnswer(): boolean;
	/** @param {string} clientMsgId  of a signal: whether it was sent for this connection */
	hasPosted(clientMsgId: string): boolean;
	/** What has been seen of it so far. */
	get attempt(): Attempt;
	/** Begin: make the first offer. */
	start(): void;
	/**
	 * Handle a signal that names this connection.
	 *
	 * @param {"offer"|"answer"|"ice"} type
	 * @param {SignalPayload} payload
	 */
	receive(type: "offer" | "answer" | "ice", payload: SignalPayload$1): void;
	/**
	 * A signal was refused by the service, or has expired before the other side fetched it.
	 *
	 * @param {string} clientMsgId
	 */
	onLost(clientMsgId: string): void;
	/**
	 * @param {Packed} packed  waits where the channel is not open
	 * @param {string} tag  its number
	 */
	send(packed: Packed$2, tag: string): void;
	/** @param {string} text  for the other page; it is lost where the channel is not open */
	tell(text: string): void;
	/** @returns {Promise<{local?: string, remote?: string, protocol?: string}>} of what kind the path is; never rejects */
	path(): Promise<{
		local?: string;
		remote?: string;
		protocol?: string;
	}>;
	/**
	 * @param {MediaStreamTrack} track
	 * @param {MediaStream} stream  groups tracks that belong together
	 */
	addTrack(track: MediaStreamTrack, stream: MediaStream): void;
	/** @param {MediaStreamTrack} track */
	removeTrack(track: MediaStreamTrack): void;
	/** Close for good. Nothing is reported from here on. */
	close(): void;
	#private;
}
type SignalPayload$1 = SignalPayload;
type Data$1 = Data;
type Packed$2 = Packed;
type OwnOptions = {
	/**
	 * what to send, now and later
	 */
	tracks: Map<MediaStreamTrack, MediaStream>;
	onState: (state: "open" | "interrupted" | "failed") => void;
	/**
	 * `tag`: its number
	 */
	onData: (data: Data$1, tag: string) => void;
	/**
	 * what the other page has told
	 */
	onWord?: ((text: string) => void) | undefined;
	/**
	 * more in one piece is not taken
	 */
	maxMessageBytes?: number | undefined;
	/**
	 * so many were sent in one piece, and are dropped
	 */
	onTooLarge?: ((bytes: number, tag: string) => void) | undefined;
	onTrack: (event: RTCTrackEvent) => void;
};
type ConnectionOptions = OwnOptions & NegotiationOptions;
declare class Talk {
	/**
	 * @param {number} page  when this page came: of a participant's pages a later one has a higher number
	 * @param {TalkOptions} options
	 */
	constructor(page: number, options: TalkOptions);
	delivery: Delivery;
	get maxBytes(): number;
	/**
	 * @param {Packed} packed
	 * @param {boolean} isOpen
	 * @returns {boolean} false: too much is under way
	 */
	send(packed: Packed$3, isOpen: boolean): boolean;
	/** @param {Connection} connection  its channel is open */
	open(connection: Connection$1): void;
	/** The channel is no way any more. */
	close(): void;
	/** It is over with the other page. */
	end(): void;
	/**
	 * The other page has told how far it has come.
	 *
	 * @param {Connection} connection
	 * @param {string} text
	 */
	onWord(connection: Connection$1, text: string): void;
	/**
	 * @param {string} tag
	 * @param {Data} data
	 */
	onData(tag: string, data: Data$2): void;
	/**
	 * @param {string} tag
	 * @param {number} bytes
	 */
	onTooLarge(tag: string, bytes: number): void;
	/** @param {Data} data  the next message */
	take(data: Data$2): void;
	/** @param {number} bytes  of the next message, which is more than the page takes */
	drop(bytes: number): void;
	#private;
}
type Connection$1 = Connection;
type Data$2 = Data;
type Packed$3 = Packed;
type TalkOptions = {
	onData: (data: Data$2) => void;
	/**
	 * more in one piece is not taken
	 */
	maxMessageBytes?: number | undefined;
	/**
	 * so many were sent in one piece, and are dropped
	 */
	onTooLarge?: ((bytes: number) => void) | undefined;
	/**
	 * as in delivery.js, and where it is over with the other page
	 */
	onGap?: ((count: number) => void) | undefined;
};
declare class Link {
	/**
	 * @param {Pick<import("./relay.js").RelayPost, "end"|"isOn"|"noteTalk"|"schedule">} post
	 * @param {string} peerId
	 * @param {Talk} talk
	 * @param {LinkEvents} events
	 */
	constructor(post: Pick<RelayPost, "end" | "isOn" | "noteTalk" | "schedule">, peerId: string, talk: Talk$1, events: LinkEvents);
	/** When the other page is to be told how far this one has come, at the latest. */
	confirmAt: number;
	peerId: string;
	/**
	 * There is no channel.
	 *
	 * @param {boolean} connects  whether this page has WebRTC
	 */
	start(connects: boolean): void;
	/** There is a channel again. */
	stop(): void;
	end(): void;
	turnOff(): void;
	/** There is something to say. */
	pump(): void;
	/** @param {Packet & {ask?: boolean, connects?: boolean}} packet */
	receive(packet: Packet$1 & {
		ask?: boolean;
		connects?: boolean;
	}): void;
	/**
	 * @param {number} mostBytes
	 * @returns {Promise<Packet|undefined>} the next payload
	 */
	pack(mostBytes: number): Promise<Packet$1 | undefined>;
	onSent(): void;
	onExpired(): void;
	/** @param {number} ms */
	askLater(ms: number): void;
	packAgain(): void;
	#private;
}
type Packet$1 = Packet;
type Talk$1 = Talk;
type LinkEvents = {
	/**
	 * the service takes what is said
	 */
	onReady: () => void;
	/**
	 * the service does not take it
	 */
	onOff: () => void;
	/**
	 * the other page has spoken; whether it has WebRTC
	 */
	onHeard: (connects: boolean) => void;
};
type PageOptions = {
	/**
	 * where the service is, unless this module came from it; may be relative
	 * to the page
	 */
	baseUrl?: string | URL | undefined;
	/**
	 * everybody with everybody (the default), only with the host, or
	 * nobody at all, where what the service passes on is enough; the same for all pages of a room
	 */
	topology?: "none" | "star" | "mesh" | undefined;
	/**
	 * where `resume` finds the seat after a reload: sessionStorage, unless
	 * given; null to keep it nowhere
	 */
	storage?: Storage | null | undefined;
	/**
	 * leave the room when the page is closed, left or reloaded, rather than
	 * come back with `resume`
	 */
	leaveOnClose?: boolean | undefined;
	/**
	 * what is sent to this page in one piece and is larger is dropped, with an
	 * event: 256 MiB, unless given
	 */
	maxMessageBytes?: number | undefined;
	/**
	 * keep the screen on while the party lasts, where the browser can
	 */
	keepAwake?: boolean | undefined;
	/**
	 * false: nothing goes through the service where no path opens
	 */
	relay?: boolean | undefined;
	/**
	 * after so long without an open channel it does: 8,000, unless given
	 */
	relayAfterMs?: number | undefined;
	/**
	 * false: the service is not told how connections went
	 */
	reports?: boolean | undefined;
	/**
	 * gives up entering; it has no effect afterwards. A seat that may have been
	 * taken by then is left
	 */
	signal?: AbortSignal | undefined;
};
type CreateFields = {
	/**
	 * 1 to 50 characters
	 */
	name: string;
	/**
	 * one's own id, if the app has one
	 */
	participantId?: string | undefined;
	/**
	 * that others will need
	 */
	password?: string | undefined;
	/**
	 * the host included
	 */
	maxParticipants?: number | undefined;
	/**
	 * the room's own name
	 */
	roomName?: string | undefined;
	/**
	 * what `list` groups by: 1 to 40 of `a-z 0-9 -`
	 */
	gameType?: string | undefined;
	/**
	 * whoever joins waits until the host lets it in
	 */
	approval?: boolean | undefined;
	/**
	 * nobody joins for now
	 */
	locked?: boolean | undefined;
	/**
	 * `list` shows the room
	 */
	listed?: boolean | undefined;
	/**
	 * how many numbered seats there are
	 */
	seats?: number | undefined;
	/**
	 * players may write the room's state
	 */
	sharedState?: boolean | undefined;
	/**
	 * what happens when the host leaves or is gone: the room ends (the default),
	 * or a player becomes the host
	 */
	hostGone?: "end" | "promote" | undefined;
	/**
	 * how long the room outlives its last poll
	 */
	ttlHours?: number | undefined;
	quizData?: Record<string, any> | undefined;
	secondsPerQuestion?: number | undefined;
	/**
	 * what becomes of the room after the last question: it ends (the default),
	 * or waits for another round
	 */
	afterQuiz?: "end" | "stay" | undefined;
};
type CreateOptions = CreateFields & PageOptions;
type JoinFields = {
	/**
	 * 1 to 50 characters
	 */
	name: string;
	/**
	 * one's own id, if the app has one
	 */
	participantId?: string | undefined;
	password?: string | undefined;
	/**
	 * as a spectator, who sees everything and plays no part
	 */
	spectate?: boolean | undefined;
	/**
	 * a numbered seat, from 0
	 */
	seat?: number | undefined;
};
type JoinOptions = JoinFields & PageOptions;
type ListFields = {
	/**
	 * only rooms of this game
	 */
	gameType?: string | undefined;
	/**
	 * `next` of the list before
	 */
	after?: string | undefined;
	/**
	 * 1 to 50; 20 unless given
	 */
	limit?: number | undefined;
};
type ListOptions = ListFields & Pick<PageOptions, "baseUrl" | "signal">;
type Checks = Record<string, [
	what: string,
	isGood: (value: any) => boolean
]>;
declare class Relay {
	/** @type {import("./options.js").Checks} */
	static pageOptions: Checks;
	/**
	 * @param {import("./membership.js").Membership} membership
	 * @returns {import("./answers.js").Follower}
	 */
	static follow(membership: Membership$3): Follower;
}
declare class RelayPost {
	/** @param {import("./membership.js").Membership} membership */
	constructor(membership: Membership$3);
	/** How long there is no channel before the service is asked. */
	get afterMs(): number;
	get isOn(): boolean;
	/** Whether pages talk through the service just now. */
	get isTalking(): boolean;
	get isDue(): boolean;
	/**
	 * @param {string} peerId
	 * @param {Talk} talk
	 * @param {LinkEvents} events
	 */
	link(peerId: string, talk: Talk$2, events: LinkEvents$1): Link;
	/** @param {Link} link */
	end(link: Link): void;
	/** @param {number} delayMs  until something is to be packed */
	schedule(delayMs: number): void;
	noteTalk(): void;
	/** @returns {OutgoingSignal[]} what to send now; it stays here until it is `sent` or `refused` */
	batch(): OutgoingSignal$1[];
	/** @param {OutgoingSignal[]} batch */
	sent(batch: OutgoingSignal$1[]): void;
	/**
	 * The service has taken nothing of a batch.
	 *
	 * @param {OutgoingSignal[]} batch
	 * @param {ApiError} error
	 */
	refused(batch: OutgoingSignal$1[], { code, retryAfterMs }: ApiError$1): void;
	/** @param {string|null} clientMsgId  of a signal that the other page has not fetched in time */
	onExpired(clientMsgId: string | null): void;
	#private;
}
type OutgoingSignal$1 = OutgoingSignal;
type ApiError$1 = ApiError;
type LinkEvents$1 = LinkEvents;
type Talk$2 = Talk;
declare class Peer {
	/** @param {PeerOptions} options */
	constructor(options: PeerOptions);
	beganAt: number;
	id: string;
	get state(): PeerState;
	get reason(): Reason | undefined;
	/** How often a connection was begun anew. */
	get restarts(): number;
	/** Whether its connection is about to open, as far as one can tell. */
	get isExpected(): boolean;
	/** Whether it has not been tried in vain for long. */
	get isHopeful(): boolean;
	/** Begin a new connection, in place of the one there may be. */
	start(): void;
	/** Begin a new connection unless one is open or on its way. */
	startIfIdle(): void;
	/** Give up a connection that is not open: a signal for it may have been lost. */
	abandonAttempt(): void;
	/** Something that is known of the participant may have changed. */
	update(): void;
	/**
	 * The other side has not fetched a signal in time. It may have been asleep, and may not have seen our
	 * offer: begin again, unless we have since.
	 *
	 * @param {string} clientMsgId
	 */
	onExpired(clientMsgId: string): void;
	/**
	 * The service has refused a signal: it never reaches the other side.
	 *
	 * @param {string} clientMsgId
	 */
	onRefused(clientMsgId: string): void;
	/**
	 * @param {"offer"|"answer"|"ice"|"data"} type
	 * @param {any} payload  a `SignalPayload`, or what packets.js has
	 */
	receive(type: "offer" | "answer" | "ice" | "data", payload: any): void;
	/**
	 * @param {Packed} packed
	 * @returns {boolean} false: it is not reached, or too much is under way to it
	 */
	send(packed: Packed$4): boolean;
	/** What kind of path an open connection takes. */
	path(): Promise<{
		local?: string;
		remote?: string;
		protocol?: string;
	} | undefined>;
	/**
	 * @param {MediaStreamTrack} track  is in `tracks` already, for later connections
	 * @param {MediaStream} stream
	 */
	addTrack(track: MediaStreamTrack, stream: MediaStream): void;
	/** @param {MediaStreamTrack} track */
	removeTrack(track: MediaStreamTrack): void;
	/** Close the connection; a new one may be begun by either side at any time. */
	close(): void;
	/** It is over with this peer. */
	end(): void;
	#private;
}
type SignalPayload$2 = SignalPayload;
type IceServers$2 = IceServers$1;
type Packed$4 = Packed;
type PeerState$1 = PeerState;
type Why$1 = Why;
type OwnOptions$1 = {
	id: string;
	/**
	 * whether our own offers give way
	 */
	polite: boolean;
	/**
	 * when this page came (talk.js)
	 */
	page?: number | undefined;
	iceServers: IceServers$2;
	/**
	 * what to send, now and in later connections
	 */
	tracks: Map<MediaStreamTrack, MediaStream>;
	/**
	 * gives its `clientMsgId`
	 */
	post: (type: "offer" | "answer" | "ice", payload: SignalPayload$2) => string;
	/**
	 * whether the service knows that the other side sleeps
	 */
	isAway?: (() => boolean) | undefined;
	relay?: Pick<RelayPost, "link" | "afterMs"> | undefined;
	onState: (state: PeerState$1, why: Why$1) => void;
	/**
	 * the connection is lost and will be begun anew after a while
	 */
	onFailed: () => void;
	onCandidateError?: ((event: RTCPeerConnectionIceErrorEvent) => void) | undefined;
	onTrack: (event: RTCTrackEvent) => void;
};
type PeerOptions = OwnOptions$1 & TalkOptions;
declare class MemberApi {
	/**
	 * @param {import("./api.js").Api} api
	 * @param {import("./contract.js").Seat} seat
	 */
	constructor(api: Api, { code, id, token }: Seat);
	/**
	 * @param {number|null} after  everything up to here has been processed; null: start over
	 * @param {object} options
	 * @param {boolean} options.mayBeHeld  until something comes, if the service does so
	 * @param {AbortSignal} [options.signal]
	 * @param {Record<string, string>} [options.headers]  further ones
	 * @returns {Promise<PollAnswer>}
	 */
	poll(after: number | null, { mayBeHeld, signal, headers }: {
		mayBeHeld: boolean;
		signal?: AbortSignal | undefined;
		headers?: Record<string, string> | undefined;
	}): Promise<PollAnswer$1>;
	/**
	 * Send signals, all or none, and poll in the same request.
	 *
	 * @param {OutgoingSignal[]} messages  1 to 100
	 * @param {number} after  as in `poll`
	 * @param {AbortSignal} [signal]
	 * @param {object} [fields]  further ones of the body
	 * @returns {Promise<PollAnswer>}
	 */
	send(messages: OutgoingSignal$2[], after: number, signal?: AbortSignal, fields?: object): Promise<PollAnswer$1>;
	/**
	 * Send signals while the page is going away. Nobody will see the answer.
	 *
	 * @param {OutgoingSignal[]} messages
	 * @param {object} [fields]  further ones of the body; there are some where there are no messages
	 */
	sendLast(messages: OutgoingSignal$2[], fields?: object): Promise<any>;
	/** Where the service is mounted. */
	get baseUrl(): URL;
	/** @returns {Promise<RoomWithYou>} the same seat with a new token, for a new page */
	rejoin(): Promise<RoomWithYou$2>;
	/** @returns {Promise<RoomWithYou>} */
	room(): Promise<RoomWithYou$2>;
	/** @returns {Promise<{iceServers: RTCIceServer[], ttlSeconds: number}>} */
	iceServers(): Promise<{
		iceServers: RTCIceServer[];
		ttlSeconds: number;
	}>;
	/**
	 * @param {{keepalive?: boolean}} [options]
	 * @returns {Promise<void>}
	 */
	leave(options?: {
		keepalive?: boolean;
	}): Promise<void>;
	/** @returns {Promise<void>} */
	end(): Promise<void>;
	/** Tell, at its last moment, that this page is about to sleep or close. */
	away(): Promise<any>;
	/**
	 * @param {string} what  the last part of its path
	 * @returns {Promise<any>}
	 */
	get(what: string): Promise<any>;
	/**
	 * A call that changes something in the room.
	 *
	 * @param {string} what  the last part of its path
	 * @param {object} [body]  may be a form with a file
	 * @param {{keepalive?: boolean, timeoutMs?: number}} [options]
	 * @returns {Promise<any>}
	 */
	post(what: string, body?: object, options?: {
		keepalive?: boolean;
		timeoutMs?: number;
	}): Promise<any>;
	#private;
}
type OutgoingSignal$2 = OutgoingSignal;
type PollAnswer$1 = PollAnswer;
type RoomWithYou$2 = RoomWithYou;
declare class PollLoop {
	/** @param {PollLoopOptions} options */
	constructor({ api, cursor, mayRest, isPatient, onAnswer, onError, onRefused, onStop }: PollLoopOptions);
	/** Poll until `stop`, or until the service has given its last answer. */
	run(): Promise<void>;
	/** Stop at once; a request in flight is abandoned. */
	stop(): void;
	/** @param {Carried} carried */
	carry(carried: Carried): void;
	/** @param {Enclosing} enclosing */
	enclose(enclosing: Enclosing): void;
	/** Ask for the room as a whole, soon. What has been handled is not handled again. */
	startOver(): void;
	/** Take the next turn now, unless the service is to be left alone for a while. */
	wake(): void;
	/**
	 * Send a signal with those that follow within a moment.
	 *
	 * @param {string} toId
	 * @param {"offer"|"answer"|"ice"} type
	 * @param {Record<string, any>} payload  throws a `TypeError` if JSON cannot express it
	 * @returns {string} the `clientMsgId` under which it is sent
	 */
	post(toId: string, type: "offer" | "answer" | "ice", payload: Record<string, any>): string;
	/**
	 * Forget what was posted for a peer and has not been sent.
	 *
	 * @param {string} toId
	 */
	discard(toId: string): void;
	/** @returns {OutgoingSignal[]} what is not known to be stored, as far as one request takes it */
	unsent(): OutgoingSignal$3[];
	#private;
}
type PollAnswer$2 = PollAnswer;
type ApiError$2 = ApiError;
type OutgoingSignal$3 = OutgoingSignal;
type PollLoopOptions = {
	api: Pick<MemberApi, "poll" | "send">;
	/**
	 * the `seq` of the room as it was entered
	 */
	cursor: number;
	/**
	 * whether no connection is being made or waited for
	 */
	mayRest: () => boolean;
	/**
	 * whether the only connections being made have been tried in vain for long
	 */
	isPatient?: (() => boolean) | undefined;
	/**
	 * gets each message once, in order; must not throw
	 */
	onAnswer: (answer: PollAnswer$2) => void;
	/**
	 * a failed request; temporary ones are tried again
	 */
	onError: (error: ApiError$2) => void;
	/**
	 * signals that the service will never
	 * take, and that are not sent again
	 */
	onRefused?: ((signals: OutgoingSignal$3[]) => void) | undefined;
	/**
	 * the service will not answer this participant any more
	 */
	onStop: (error: ApiError$2) => void;
};
type Carried = {
	isDue: boolean;
	/**
	 * whether there has been anything recently
	 */
	isTalking: boolean;
	batch: () => OutgoingSignal$3[];
	sent: (batch: OutgoingSignal$3[]) => void;
	refused: (batch: OutgoingSignal$3[], error: ApiError$2) => void;
};
type Enclosed = {
	reports: any;
	fields: object;
	headers: Record<string, string>;
};
type Enclosing = {
	take: (isLast?: boolean) => Enclosed | null;
	/**
	 * the request has met an outage
	 */
	putBack: (reports: any) => void;
};
declare class Peers {
	/**
	 * @param {Membership} membership
	 * @param {Pick<import("./polling.js").PollLoop, "post"|"discard"|"wake">} loop
	 * @param {Pick<PageOptions, "topology"|"maxMessageBytes">} page
	 * @param {import("./ice-servers.js").NamedServers} [iceServers]  where they are known
	 */
	constructor(membership: Membership, loop: Pick<PollLoop, "post" | "discard" | "wake">, { topology, maxMessageBytes }: Pick<PageOptions$1, "topology" | "maxMessageBytes">, iceServers?: NamedServers);
	/** @param {string} id */
	get(id: string): Peer | undefined;
	/** Whether there are others, and none of them is about to be connected. */
	get areSettled(): boolean;
	/** Whether somebody has been tried in vain for long, and nobody else is about to be connected. */
	get arePatient(): boolean;
	/** Begin the connections that there are to be; signals wait for the ICE servers. */
	connect(): Promise<void>;
	/** Ask for ICE servers, if it is time. */
	refresh(): Promise<void>;
	/**
	 * Keep those whom the room has, and no others.
	 *
	 * @param {RoomWithYou} room
	 */
	follow({ participants, you }: RoomWithYou$3): void;
	/**
	 * What an event means for the connections, before the Room is changed.
	 *
	 * @param {StreamMessage} message
	 */
	onEvent({ type, payload }: StreamMessage$1): void;
	/** Close all connections. */
	forgetAll(): void;
	/**
	 * @param {MediaStreamTrack} track  one that is sent already stays as it is
	 * @param {MediaStream} stream
	 */
	addTrack(track: MediaStreamTrack, stream: MediaStream): void;
	/** @param {MediaStreamTrack} track */
	removeTrack(track: MediaStreamTrack): void;
	[Symbol.iterator](): MapIterator<Peer>;
	#private;
}
type RoomWithYou$3 = RoomWithYou;
type StreamMessage$1 = StreamMessage;
type Membership = Membership$3;
type PageOptions$1 = PageOptions;
declare class Trace {
	/** @type {(record: TraceRecord) => void} told of every record */
	onRecord: (record: TraceRecord) => void;
	get records(): TraceRecord[];
	/** @param {TraceEntry} entry */
	add(entry: TraceEntry): void;
	#private;
}
type RequestRecord$1 = RequestRecord;
type StreamMessage$2 = StreamMessage;
type PeerState$2 = PeerState;
type Why$2 = Why;
type TraceEntry = ({
	kind: "request";
} & RequestRecord$1) | {
	kind: "sent";
	type: string;
	peerId: string;
	payload: object;
} | {
	kind: "received";
	message: StreamMessage$2;
} | {
	kind: "candidate-error";
	peerId: string;
	url: string;
	errorCode: number;
	errorText: string;
} | ({
	kind: "state";
	peerId: string;
	state: PeerState$2;
} & Why$2);
type TraceRecord = TraceEntry & {
	at: number;
};
declare class Quiz {
	/** Options of `create` that are for the service. */
	static createFields: string[];
	/**
	 * @param {Membership} membership
	 * @returns {import("./answers.js").Follower}
	 */
	static follow(membership: Membership$1): Follower;
	/**
	 * Start a round, as the host.
	 *
	 * @param {object} [options]
	 * @param {boolean} [options.keepScores]  of the round before; otherwise all begin at 0
	 * @param {boolean} [options.autoAdvance]  questions close and open by themselves
	 * @param {number} [options.pauseSeconds]  between two of them, 0 to 60: 5, unless given
	 */
	start(options?: {
		keepScores?: boolean | undefined;
		autoAdvance?: boolean | undefined;
		pauseSeconds?: number | undefined;
	}): Promise<void>;
	/**
	 * Replace the quiz, as the host, while the room is waiting.
	 *
	 * @param {Record<string, any>} quizData
	 */
	setQuiz(quizData: Record<string, any>): Promise<void>;
	/**
	 * Move on from the current question, as the host. After the last one the room ends, or waits for another round.
	 *
	 * @param {number} [fromQuestion]  the question to be left: the current one as far as this page knows,
	 *   unless given. Where another one is open, the service refuses with WRONG_QUESTION, and nothing moves
	 */
	next(fromQuestion?: number): Promise<void>;
	/**
	 * Answer a question. Only the first answer counts, and whoever gives another gets the first one's result.
	 *
	 * @param {object} given
	 * @param {number} given.answerIndex  -1: no answer
	 * @param {number} given.timeMs  how long it took; the service counts no less than it saw pass itself
	 * @param {number} [given.questionIndex]  the current one, unless given
	 * @param {number} [given.round]  the one that is played as far as this page knows, unless given: in another one
	 *   it does not count
	 * @returns {Promise<AnswerResult>}
	 */
	answer({ answerIndex, timeMs, questionIndex, round }: {
		answerIndex: number;
		timeMs: number;
		questionIndex?: number | undefined;
		round?: number | undefined;
	}): Promise<AnswerResult$1>;
	/**
	 * Give a participant more time than others, as the host.
	 *
	 * @param {string} participantId
	 * @param {1|1.25|1.5|2} factor  what its time is multiplied by
	 */
	giveExtraTime(participantId: string, factor: 1 | 1.25 | 1.5 | 2): Promise<void>;
	/**
	 * How the rounds went, for the host.
	 *
	 * @returns {Promise<{rounds: RoundResult[]}>}
	 */
	results(): Promise<{
		rounds: RoundResult$1[];
	}>;
}
type AnswerResult$1 = AnswerResult;
type RoundResult$1 = RoundResult;
type Standing$1 = Standing;
type Membership$1 = Membership$3;
type QuizEvents = {
	/**
	 * somebody has
	 * answered, whatever it was
	 */
	answered: {
		participantId: string;
		questionIndex: number;
		answeredCount: number;
	};
	/**
	 * and how often each answer was given
	 */
	"question-closed": {
		questionIndex: number;
		correct: number;
		answeredCount: number;
		distribution: number[];
	};
	/**
	 * another question is open;
	 * `correct` is the right answer to the one before it
	 */
	"question-advanced": {
		currentQuestion: number;
		correct: number;
	};
	/**
	 * a participant has won points
	 */
	"score-changed": {
		participantId: string;
		score: number;
	};
	/**
	 * the last question is closed,
	 * and the room waits for another round
	 */
	"quiz-finished": {
		round: number;
		correct: number;
		standings: Standing$1[];
	};
	/**
	 * what this participant's time is multiplied by from now on
	 */
	"extra-time": {
		factor: number;
	};
};
declare class State {
	/**
	 * @param {Membership} membership
	 * @returns {import("./answers.js").Follower}
	 */
	static follow(membership: Membership$2): Follower;
	/** @returns {SharedState} what this page may see: `{room: {key: {value, seq}}, members: {id: {key: …}}}` */
	get state(): SharedState$1;
	/**
	 * Set keys; those whose value is `undefined` are removed. What is set within a tenth of a second goes in one
	 * request, of each key the last value.
	 *
	 * @param {Record<string, any>} values  anything that JSON can express, up to 8 KiB each
	 * @param {StateOptions} [options]
	 * @returns {Promise<number>} the number under which they, or later values of theirs, were stored
	 * @throws {TypeError} for what JSON cannot express
	 */
	setState(values: Record<string, any>, options?: StateOptions): Promise<number>;
	/**
	 * Tell the others that this participant is typing, or does no more: by itself after six seconds.
	 *
	 * @param {boolean} isTyping  may be said with each key that is pressed
	 */
	typing(isTyping: boolean): void;
}
type SharedState$1 = SharedState;
type StateChange$1 = StateChange;
type Membership$2 = Membership$3;
type StateOptions = {
	/**
	 * whose keys: the room's, unless given, or one's own
	 */
	scope?: "room" | "me" | undefined;
	/**
	 * who sees the values: all, unless given; or ids
	 */
	visibleTo?: string[] | "all" | "host" | "players" | undefined;
	/**
	 * 1 to 3,600: the values vanish by themselves
	 */
	ttlSeconds?: number | undefined;
	/**
	 * only if each of these keys still has that `seq` (0: does not exist);
	 * else STATE_MOVED, and nothing changes
	 */
	ifSeq?: Record<string, number> | undefined;
};
type StateEvents = {
	/**
	 * values have changed, come or gone
	 */
	state: {
		state: SharedState$1;
		changes: StateChange$1[];
	};
	/**
	 * who else is typing now, where that has changed
	 */
	typing: {
		participantIds: string[];
	};
};
type ApiError$3 = ApiError;
type Room$1 = Room;
type JoinRequest$1 = JoinRequest;
type MemberRole$1 = MemberRole;
type Standing$2 = Standing;
type Member = Member$1;
type PeerState$3 = PeerState;
type Why$3 = Why;
type TraceRecord$1 = TraceRecord;
type EndReason = "ended" | "host-left" | "host-absent" | "expired" | "finished" | TokenReason;
type RoomEvents = {
	/**
	 * somebody came, came back or went, or is not as before: a name,
	 * a role, a seat, whether it is there
	 */
	participants: {
		participants: Member[];
	};
	/**
	 * something else of the room has changed: its status, its host, its settings, its quiz
	 */
	room: {
		room: Room$1;
	};
	/**
	 * the host's: somebody asks to be let in, or does so no more
	 */
	requests: {
		requests: JoinRequest$1[];
	};
	/**
	 * the host has let this page in, which waited
	 */
	approved: {
		role: MemberRole$1;
		seat: number | null;
	};
	/**
	 * the host has not; `ended` follows
	 */
	rejected: {};
	/**
	 * it stands otherwise with a participant. `reason`: why
	 * there is no connection, where that is known; with "turn-refused" the `server` and its `code`. When an open one is closed, as its participant goes or a new page takes its seat, it is "connecting" until
	 * `participants` tells more
	 */
	peer: {
		peerId: string;
		state: PeerState$3;
	} & Why$3;
	/**
	 * a participant has sent something
	 */
	message: {
		peerId: string;
		data: string | ArrayBuffer;
	};
	/**
	 * a participant has sent more in one piece than this
	 * page takes
	 */
	"message-dropped": {
		peerId: string;
		bytes: number;
	};
	/**
	 * a participant has another page than before: so many
	 * messages to the one before are not known to have arrived, and are not sent any more
	 */
	"messages-lost": {
		peerId: string;
		count: number;
	};
	/**
	 * a participant
	 * has begun to send a media track
	 */
	track: {
		peerId: string;
		track: MediaStreamTrack;
		streams: readonly MediaStream[];
	};
	/**
	 * a request that this page made of its own accord has failed. It goes on
	 * of its own accord, too
	 */
	error: {
		error: ApiError$3;
	};
	/**
	 * the service has answered a poll or a send, after one `error` or several
	 */
	recovered: {};
	/**
	 * it is over. `correct` and
	 * `standings`, the winner first, come with "finished"
	 */
	ended: {
		reason: EndReason;
		correct?: number;
		standings?: Standing$2[];
	};
	/**
	 * see trace.js; for diagnosis
	 */
	trace: TraceRecord$1;
};
type PartyEvents = RoomEvents & MessageEvents & QuizEvents & StateEvents;
type PartyListener<Type extends keyof PartyEvents> = ((event: CustomEvent<PartyEvents[Type]>) => void) | {
	handleEvent(event: CustomEvent<PartyEvents[Type]>): void;
};
declare class SeatKeeper {
	/**
	 * @param {URL} baseUrl  one tab may have a seat at each of several services
	 * @param {Storage|null} [storage]  sessionStorage unless given: it lives as long as the tab
	 */
	constructor(baseUrl: URL, storage?: Storage | null);
	/**
	 * Claim a seat for this page, until it is released or the page is gone.
	 *
	 * @param {Pick<Seat, "code"|"id">} seat
	 * @returns {Promise<boolean>} false: another page of this browser has it. Where browsers know no locks
	 *   (Safari before 15.4, pages without HTTPS), every claim is good
	 */
	claim({ code, id }: Pick<Seat$1, "code" | "id">): Promise<boolean>;
	/** Give the claim up, if there is one. */
	release(): void;
	/** @param {Seat} seat */
	save(seat: Seat$1): void;
	/** @returns {Seat|null} */
	load(): Seat$1 | null;
	/**
	 * A seat is given up. If another one has been taken meanwhile, that one stays.
	 *
	 * @param {Seat} seat
	 */
	forget(seat: Seat$1): void;
	#private;
}
type Seat$1 = Seat;
declare class Membership$3 {
	/**
	 * @param {EventTarget} party  where apps listen
	 * @param {Entered} entered
	 * @param {import("./answers.js").Feature[]} features
	 */
	constructor(party: EventTarget, { api, room, iceServers, trace, seat, keeper, page }: Entered, features: Feature[]);
	/** @type {import("./relay.js").RelayPost|undefined} */
	relay: RelayPost | undefined;
	hasEnded: boolean;
	api: MemberApi;
	room: RoomWithYou;
	/** The number of the Room that was last taken as a whole. */
	enteredAt: number;
	trace: Trace;
	/** What the page has decided for itself. */
	page: PageOptions;
	/** @type {Peers} */
	peers: Peers;
	/** Whether the host has not let this page in yet. */
	get isWaiting(): boolean;
	/** Everybody in the room, with what only this page knows of them. */
	get participants(): {
		isYou: boolean;
		state: PeerState | null;
		reason: Reason | null;
		id: string;
		name: string;
		isHost: boolean;
		role: MemberRole;
		/**
		 * counted from 0
		 */
		seat: number | null;
		/**
		 * `away`: asleep, or not heard of for a while; `disconnected`: for long
		 */
		presence: Presence;
		/**
		 * whether `presence` is "online"
		 */
		online: boolean;
		score: number;
		/**
		 * ISO 8601, UTC
		 */
		joinedAt: string;
	}[];
	/** The Room without what is nobody else's business: the own token. */
	get publicRoom(): {
		code: string;
		status: "waiting" | "playing" | "ended";
		hostId: string;
		hostName: string;
		maxParticipants: number;
		secondsPerQuestion: number;
		/**
		 * an index, from 0
		 */
		currentQuestion: number;
		quizData: Record<string, any> | null;
		/**
		 * how often the game has been started
		 */
		round: number;
		/**
		 * of the question that is open; null where none is
		 */
		questionOpenedAt: string | null;
		/**
		 * what the own time is multiplied by, where that is not 1
		 */
		extraTime?: number | undefined;
		/**
		 * the host's: who has extra time
		 */
		extraTimes?: Record<string, number> | undefined;
		/**
		 * ISO 8601, UTC, as the other times
		 */
		createdAt: string;
		startedAt: string | null;
		endedAt: string | null;
		/**
		 * where the stream of this room stands
		 */
		seq: number;
		/**
		 * when this was written
		 */
		serverTime: string;
		settings: RoomSettings;
		/**
		 * in order of joining
		 */
		participants: Participant[];
		/**
		 * the host's: in order of asking
		 */
		requests?: JoinRequest[] | undefined;
		/**
		 * what the room and its members share, as far as this page may see it
		 */
		state?: SharedState | undefined;
	};
	/** Leave, as `Party.leave` promises. */
	leave(): Promise<void>;
	/** End the room for everybody. */
	end(): Promise<void>;
	/**
	 * Make a call that changes something in the room, and see soon what has become of it.
	 *
	 * @param {string} what  the last part of its path
	 * @param {object} body
	 * @param {...string} codesWhenDone  how its repetition may be refused, where only the answer was lost
	 */
	change(what: string, body: object, ...codesWhenDone: string[]): Promise<void>;
	/**
	 * It is over for this page. What has to be told to the service has been told.
	 *
	 * @param {EndReason} reason
	 * @param {{correct?: number, standings?: Standing[]}} [outcome]  of a quiz that was played to its end
	 */
	finish(reason: EndReason$1, outcome?: {
		correct?: number;
		standings?: Standing$3[];
	}): void;
	/**
	 * A way for data through the service, and what it sends in requests of its own.
	 *
	 * @param {import("./relay.js").RelayPost} relay
	 */
	carry(relay: RelayPost): void;
	/** @param {import("./polling.js").Enclosing} enclosing  what travels with requests that are made anyway */
	enclose(enclosing: Enclosing): void;
	/** @param {string} id  of a peer with whom it stands otherwise */
	onPeer(id: string): void;
	/** Poll soon. */
	wake(): void;
	/** Ask for the Room as a whole, soon. */
	startOver(): void;
	tellRoom(): void;
	tellParticipants(): void;
	/** @param {ApiError} error  of a request that nobody waits for */
	onError(error: ApiError): void;
	/**
	 * @template {keyof PartyEvents} Type
	 * @param {Type} type
	 * @param {PartyEvents[Type]} detail
	 */
	dispatch<Type extends keyof PartyEvents$1>(type: Type, detail: PartyEvents$1[Type]): void;
	#private;
}
type RoomWithYou$4 = RoomWithYou;
type Standing$3 = Standing;
type EndReason$1 = EndReason;
type PartyEvents$1 = PartyEvents;
type Entered = {
	api: MemberApi;
	room: RoomWithYou$4;
	/**
	 * where they are known by then
	 */
	iceServers?: NamedServers | undefined;
	trace: Trace;
	seat: Seat;
	keeper: SeatKeeper;
	page: PageOptions;
};
type PollAnswer$3 = PollAnswer;
type RoomWithYou$5 = RoomWithYou;
type StreamMessage$3 = StreamMessage;
type Feature = {
	prototype: object;
	/**
	 * options of `create` that are for the service
	 */
	createFields?: string[] | undefined;
	/**
	 * options that are for the page
	 */
	pageOptions?: Checks | undefined;
	follow?: ((membership: Membership$3) => Follower) | undefined;
};
type Follower = {
	/**
	 * what an event makes of the Room
	 */
	after?: ((room: RoomWithYou$5, message: StreamMessage$3) => RoomWithYou$5) | undefined;
	/**
	 * the Room is as it is after it
	 */
	onEvent?: ((message: StreamMessage$3) => void) | undefined;
	/**
	 * an event that is in the Room already, perhaps not the first time
	 */
	onKnown?: ((message: StreamMessage$3) => void) | undefined;
	/**
	 * all that came with it has been handled
	 */
	onAnswer?: ((answer: PollAnswer$3) => void) | undefined;
	/**
	 * it stands otherwise with a peer
	 */
	onPeer?: ((peer: Peer) => void) | undefined;
};
declare class Messages {
	/**
	 * @param {Membership} membership
	 * @returns {import("./answers.js").Follower}
	 */
	static follow(membership: Membership$4): Follower;
	/**
	 * Say something to all: a text, a drawing, or an image that was uploaded. One thing after the other, as often as the
	 * service takes it (once a second), and once, whatever answers get lost.
	 *
	 * @param {string|Drawing|{imageId: string}} content
	 * @param {{clientMsgId?: string}} [options]  to say again, after an outage, what may have been said already
	 * @returns {Promise<number>} the message's id
	 */
	say(content: string | Drawing$1 | {
		imageId: string;
	}, { clientMsgId }?: {
		clientMsgId?: string;
	}): Promise<number>;
	/**
	 * What has been said.
	 *
	 * @param {{before?: number, limit?: number}} [options]  the latest 50, or `limit` (1 to 100); or those before a message
	 * @returns {Promise<{messages: ChatMessage[], more: boolean}>} in order; `more`: there are earlier ones
	 */
	messages(options?: {
		before?: number;
		limit?: number;
	}): Promise<{
		messages: ChatMessage$1[];
		more: boolean;
	}>;
	/**
	 * Delete a message of one's own, or as the host any, for all.
	 *
	 * @param {number} messageId
	 */
	deleteMessage(messageId: number): Promise<void>;
	/**
	 * React to a message, or take it back.
	 *
	 * @param {number} messageId
	 * @param {Emoji} emoji
	 * @param {boolean} [on]
	 * @returns {Promise<Reaction[]>} all reactions to it
	 */
	react(messageId: number, emoji: Emoji$1, on?: boolean): Promise<Reaction$1[]>;
}
type ChatMessage$1 = ChatMessage;
type Drawing$1 = Drawing;
type Emoji$1 = Emoji;
type Reaction$1 = Reaction;
type Membership$4 = Membership$3;
type MessageEvents = {
	/**
	 * somebody has said something, oneself included
	 */
	chat: {
		message: ChatMessage$1;
	};
	/**
	 * a message is gone
	 */
	"chat-deleted": {
		messageId: number;
	};
	/**
	 * all that there are now
	 */
	"chat-reaction": {
		messageId: number;
		reactions: Reaction$1[];
	};
	/**
	 * this page was away for so long that it may lack some of these: `messages` has them
	 */
	"chat-missed": {};
};
declare class Reports {
	/** @type {import("./options.js").Checks} */
	static pageOptions: Checks;
	/**
	 * @param {import("./membership.js").Membership} membership
	 * @returns {import("./answers.js").Follower}
	 */
	static follow(membership: Membership$3): Follower;
}
declare class Exchange {
	/**
	 * Send data to one participant: in order, and up to 256 MiB in one piece.
	 *
	 * @param {string} peerId
	 * @param {string|ArrayBuffer|ArrayBufferView} data
	 * @returns {boolean} false: it is neither open nor relayed, or over 4 MiB are under way to it, and nothing was
	 *   sent; true: it arrives, as long as both pages stay
	 * @throws {TypeError} for anything but such data
	 * @throws {RangeError} for more of it
	 */
	send(peerId: string, data: string | ArrayBuffer | ArrayBufferView): boolean;
	/**
	 * Send data to everybody, as `send` does.
	 *
	 * @param {string|ArrayBuffer|ArrayBufferView} data
	 * @returns {number} how many are sent it
	 */
	broadcast(data: string | ArrayBuffer | ArrayBufferView): number;
	/**
	 * Send a media track to everybody, and to whoever comes later. One that is sent already stays as it is.
	 *
	 * @param {MediaStreamTrack} track
	 * @param {MediaStream} stream  groups tracks that belong together
	 */
	addTrack(track: MediaStreamTrack, stream: MediaStream): void;
	/**
	 * Stop sending a media track.
	 *
	 * @param {MediaStreamTrack} track
	 */
	removeTrack(track: MediaStreamTrack): void;
	/**
	 * Begin the connection to a participant anew. Failed connections do so by themselves.
	 *
	 * @param {string} peerId
	 */
	reconnect(peerId: string): void;
}
declare class RoomCalls {
	/**
	 * Let somebody in who waits, or refuse it, as the host.
	 *
	 * @param {string} participantId
	 * @param {boolean} approved
	 */
	approve(participantId: string, approved: boolean): Promise<void>;
	/**
	 * Remove a participant, or refuse somebody who waits, as the host.
	 *
	 * @param {string} participantId
	 */
	remove(participantId: string): Promise<void>;
	/**
	 * Remove a participant as `remove` does, and keep it and its device out of the room for good.
	 *
	 * @param {string} participantId
	 */
	ban(participantId: string): Promise<void>;
	/**
	 * Become a player or a spectator, or take another seat; as the host, give others a role or a seat.
	 *
	 * @param {import("./contract.js").MemberRole} role  "host" for the host, who changes only its seat
	 * @param {{seat?: number|null, participantId?: string}} [options]  `seat`: null gives it up, and without it a
	 *   player keeps its own, or takes the lowest that is free; `participantId`: oneself, unless given
	 */
	setRole(role: MemberRole, { seat, participantId }?: {
		seat?: number | null;
		participantId?: string;
	}): Promise<void>;
	/**
	 * Take another name, or as the host give somebody one.
	 *
	 * @param {string} name
	 * @param {string} [participantId]  oneself, unless given
	 */
	rename(name: string, participantId?: string): Promise<void>;
	/**
	 * Make a player the host, as the host, who becomes a player.
	 *
	 * @param {string} participantId
	 */
	handOver(participantId: string): Promise<void>;
	/**
	 * Change settings of the room, as the host. What is left out stays as it is.
	 *
	 * @param {Partial<Omit<RoomSettings, "hostGone">> & {maxParticipants?: number}} changes
	 */
	setSettings(changes: Partial<Omit<RoomSettings$1, "hostGone">> & {
		maxParticipants?: number;
	}): Promise<void>;
}
type RoomSettings$1 = RoomSettings;
declare const Party_base: new () => EventTarget & Relay & Messages & Quiz & State & Images & Reports & Exchange & RoomCalls;
/** @typedef {import("./client/contract.js").AnswerResult} AnswerResult */
/** @typedef {import("./client/contract.js").ChatMessage} ChatMessage */
/** @typedef {import("./client/contract.js").Drawing} Drawing */
/** @typedef {import("./client/contract.js").Emoji} Emoji */
/** @typedef {import("./client/contract.js").Participant} Participant */
/** @typedef {import("./client/contract.js").Room} Room */
/** @typedef {import("./client/contract.js").JoinRequest} JoinRequest */
/** @typedef {import("./client/contract.js").Role} Role */
/** @typedef {import("./client/contract.js").RoomList} RoomList */
/** @typedef {import("./client/contract.js").RoomPreview} RoomPreview */
/** @typedef {import("./client/contract.js").RoomSettings} RoomSettings */
/** @typedef {import("./client/contract.js").SharedState} SharedState */
/** @typedef {import("./client/contract.js").Standing} Standing */
/** @typedef {import("./client/contract.js").StateChange} StateChange */
/** @typedef {import("./client/events.js").PartyEvents} PartyEvents */
/**
 * @template {keyof PartyEvents} Type
 * @typedef {import("./client/events.js").PartyListener<Type>} PartyListener
 */
/** @typedef {import("./client/standing.js").PeerState} PeerState */
/** @typedef {import("./client/trace.js").TraceRecord} TraceRecord */
/** @typedef {import("./client/reasons.js").Reason} Reason */
/** @typedef {Participant & {isYou: boolean, state: PeerState|null, reason: Reason|null}} Member */
/** @typedef {import("./client/options.js").PageOptions} PageOptions */
/** @typedef {import("./client/options.js").CreateOptions} CreateOptions */
/** @typedef {import("./client/options.js").JoinOptions} JoinOptions */
/** @typedef {import("./client/options.js").ListOptions} ListOptions */
/**
 * A room that this page is in. Its events are `CustomEvent`s, with the details of `PartyEvents` (events.js).
 */
export class Party extends Party_base {
	/**
	 * Open a room, as its host.
	 *
	 * @param {CreateOptions} options
	 * @returns {Promise<Party>} rejects with an `ApiError`, a `TypeError` for options that there are not, or the
	 *   reason of `signal`
	 */
	static create(options: CreateOptions$1): Promise<Party>;
	/**
	 * Join a room. Where its host approves who comes, the party is in the phase "waiting" at first: `approved` or
	 * `rejected` tells how it goes on.
	 *
	 * @param {string} code  as people type it: in any case of letters, with spaces or dashes, or as a link
	 * @param {JoinOptions} options
	 * @returns {Promise<Party>} rejects as that of `create`
	 */
	static join(code: string, options: JoinOptions$1): Promise<Party>;
	/**
	 * Look at a room before joining it.
	 *
	 * @param {string} code  as in `join`
	 * @param {Pick<PageOptions, "baseUrl"|"signal">} [options]
	 * @returns {Promise<RoomPreview>} rejects as that of `create`
	 */
	static preview(code: string, options?: Pick<PageOptions$2, "baseUrl" | "signal">): Promise<RoomPreview$2>;
	/**
	 * The rooms whose hosts want them to be found and that can be joined, newest first.
	 *
	 * @param {ListOptions} [options]
	 * @returns {Promise<RoomList>} rejects as that of `create`
	 */
	static list(options?: ListOptions$1): Promise<RoomList$2>;
	/**
	 * Come back to the room that this page was in before it was reloaded: same participant, new connections.
	 *
	 * @param {PageOptions} [options]
	 * @returns {Promise<Party|null>} null where there was none, it is over, or another page of this browser (one
	 *   that opened this one, say) is in it; rejects with an `ApiError` while the service cannot be reached
	 */
	static resume(options?: PageOptions$2): Promise<Party | null>;
	/**
	 * Use `Party.create`, `Party.join` or `Party.resume`.
	 *
	 * @param {import("./client/membership.js").Entered} entered
	 */
	constructor(entered: Entered);
	/**
	 * As of any `EventTarget`, but with the events' names and details known to the types.
	 *
	 * @template {keyof PartyEvents} Type
	 * @param {Type} type
	 * @param {PartyListener<Type>|null} listener
	 * @param {boolean|AddEventListenerOptions} [options]
	 */
	addEventListener<Type extends keyof PartyEvents$2>(type: Type, listener: PartyListener$1<Type> | null, options?: boolean | AddEventListenerOptions): void;
	/**
	 * @template {keyof PartyEvents} Type
	 * @param {Type} type
	 * @param {PartyListener<Type>|null} listener
	 * @param {boolean|EventListenerOptions} [options]
	 */
	removeEventListener<Type extends keyof PartyEvents$2>(type: Type, listener: PartyListener$1<Type> | null, options?: boolean | EventListenerOptions): void;
	/** The room's code, which others join by. */
	get code(): string;
	/** The own participant's id. */
	get id(): string;
	get isHost(): boolean;
	/** @returns {Role} "guest" while this page waits to be let in */
	get role(): Role$1;
	/** @returns {"waiting"|"joined"|"ended"} whether the host has yet to let this page in */
	get phase(): "waiting" | "joined" | "ended";
	/** @returns {JoinRequest[]} who waits to be let in, in order of asking, as far as it is for this page to see */
	get requests(): JoinRequest$2[];
	/** @returns {RoomSettings} as `setSettings` changes them */
	get settings(): RoomSettings$2;
	/** @returns {Room} the room as far as this page knows; while it waits, what a preview has, and nobody in it */
	get room(): Room$2;
	/**
	 * Everybody in the room, oneself included, in order of joining.
	 *
	 * @returns {Member[]} `state` is that of the connection, null where there is none to be; `reason` why it is not open,
	 *   as far as that is known; `presence` whether the
	 *   service hears of the participant
	 */
	get participants(): Member$1[];
	/** @returns {TraceRecord[]} what has happened recently, for diagnosis */
	get trace(): TraceRecord$2[];
	/**
	 * Leave the room. When the host leaves, it ends, or another one becomes the host. Resolves once the others can see
	 * it. Where the service cannot be told, it rejects, and the page has left all the same: the service is told as soon
	 * as it can be reached, if the page is still there.
	 */
	leave(): Promise<void>;
	/** End the room for everybody, as its host. */
	end(): Promise<void>;
	#private;
}
type AnswerResult$2 = AnswerResult;
type ChatMessage$2 = ChatMessage;
type Drawing$2 = Drawing;
type Emoji$2 = Emoji;
type Participant$1 = Participant;
type Room$2 = Room;
type JoinRequest$2 = JoinRequest;
type Role$1 = Role;
type RoomList$2 = RoomList;
type RoomPreview$2 = RoomPreview;
type RoomSettings$2 = RoomSettings;
type SharedState$2 = SharedState;
type Standing$4 = Standing;
type StateChange$2 = StateChange;
type PartyEvents$2 = PartyEvents;
type PartyListener$1<Type extends keyof PartyEvents$2> = PartyListener<Type>;
type PeerState$4 = PeerState;
type TraceRecord$2 = TraceRecord;
type Reason$1 = Reason;
type Member$1 = Participant$1 & {
	isYou: boolean;
	state: PeerState$4 | null;
	reason: Reason$1 | null;
};
type PageOptions$2 = PageOptions;
type CreateOptions$1 = CreateOptions;
type JoinOptions$1 = JoinOptions;
type ListOptions$1 = ListOptions;

export {
	AnswerResult$2 as AnswerResult,
	ChatMessage$2 as ChatMessage,
	CreateOptions$1 as CreateOptions,
	Drawing$2 as Drawing,
	Emoji$2 as Emoji,
	JoinOptions$1 as JoinOptions,
	JoinRequest$2 as JoinRequest,
	ListOptions$1 as ListOptions,
	Member$1 as Member,
	PageOptions$2 as PageOptions,
	Participant$1 as Participant,
	PartyEvents$2 as PartyEvents,
	PartyListener$1 as PartyListener,
	PeerState$4 as PeerState,
	Reason$1 as Reason,
	Role$1 as Role,
	Room$2 as Room,
	RoomList$2 as RoomList,
	RoomPreview$2 as RoomPreview,
	RoomSettings$2 as RoomSettings,
	SharedState$2 as SharedState,
	Standing$4 as Standing,
	StateChange$2 as StateChange,
	TraceRecord$2 as TraceRecord,
};

export {};
