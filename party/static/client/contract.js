/** The shapes of the HTTP contract, for TypeScript and for editors: there is nothing here that runs. */

/** @typedef {"host"|"player"|"spectator"} MemberRole */
/** @typedef {MemberRole|"guest"} Role  a guest waits to be let in */
/** @typedef {"online"|"away"|"disconnected"} Presence */

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {boolean} isHost
 * @property {MemberRole} role
 * @property {number|null} seat  counted from 0
 * @property {Presence} presence  `away`: asleep, or not heard of for a while; `disconnected`: for long
 * @property {boolean} online  whether `presence` is "online"
 * @property {number} score
 * @property {string} joinedAt  ISO 8601, UTC
 */

/**
 * @typedef {object} JoinRequest  who waits to be let in
 * @property {string} id
 * @property {string} name
 * @property {string} requestedAt  ISO 8601, UTC
 * @property {Presence} presence
 */

/**
 * @typedef {object} RoomSettings
 * @property {string|null} name  the room's own
 * @property {string|null} gameType  what the list groups by
 * @property {boolean} approval  whoever joins waits until the host lets it in
 * @property {boolean} locked  nobody joins
 * @property {boolean} listed  `Party.list` shows the room
 * @property {number} seats  how many numbered seats there are
 * @property {boolean} sharedState  players may write the room's state
 * @property {"end"|"promote"} hostGone  what happens when the host leaves or is gone
 * @property {boolean} relay  whether the service takes data where no path opens; it is not to be changed
 */

/**
 * @typedef {object} Room
 * @property {string} code
 * @property {"waiting"|"playing"|"ended"} status
 * @property {string} hostId
 * @property {string} hostName
 * @property {number} maxParticipants
 * @property {number} secondsPerQuestion
 * @property {number} currentQuestion  an index, from 0
 * @property {Record<string, any>|null} quizData
 * @property {number} round  how often the game has been started
 * @property {string|null} questionOpenedAt  of the question that is open; null where none is
 * @property {number} [extraTime]  what the own time is multiplied by, where that is not 1
 * @property {Record<string, number>} [extraTimes]  the host's: who has extra time
 * @property {string} createdAt  ISO 8601, UTC, as the other times
 * @property {string|null} startedAt
 * @property {string|null} endedAt
 * @property {number} seq  where the stream of this room stands
 * @property {string} serverTime  when this was written
 * @property {RoomSettings} settings
 * @property {Participant[]} participants  in order of joining
 * @property {JoinRequest[]} [requests]  the host's: in order of asking
 * @property {SharedState} [state]  what the room and its members share, as far as this page may see it
 */

/**
 * @typedef {object} RoomPreview  what anyone may know who has the code
 * @property {string} code
 * @property {"waiting"|"playing"|"ended"} status
 * @property {string|null} name  the room's own
 * @property {string|null} gameType
 * @property {string} hostName
 * @property {number} participantCount
 * @property {number} maxParticipants
 * @property {boolean} needsPassword
 * @property {boolean} approval  whoever joins waits until the host lets it in
 * @property {boolean} locked  nobody joins
 */

/** @typedef {{rooms: RoomPreview[], next: string|null}} RoomList  `next`: pass it as `after` for more */

/**
 * @typedef {Room & {you: {id: string, role: Role, token?: string}}} RoomWithYou  of a guest only what a preview has,
 *   `seq` and `you`, and nobody in it
 */

/**
 * @typedef {object} StreamMessage  a signal to this participant, or an event in the room
 * @property {number} seq
 * @property {string} type  "offer", "answer", "ice", "data", or an event such as "participant-joined"
 * @property {string|null} fromId
 * @property {string|null} toId
 * @property {Record<string, any>} payload
 * @property {string} createdAt  ISO 8601, UTC
 */

/**
 * @typedef {object} GivenAnswer
 * @property {number} questionIndex
 * @property {number} answerIndex  -1: no answer
 * @property {number} timeMs  how long it took; a whole number
 */

/**
 * @typedef {object} AnswerResult
 * @property {number} questionIndex
 * @property {boolean} isCorrect
 * @property {number} points  10 for a correct answer, and up to 5 for speed
 * @property {number} score  with these points
 * @property {true} [repeated]  the question had been answered before: this is the first result
 */

/** @typedef {{participantId: string, name: string, score: number}} Standing */

/**
 * @typedef {object} RoundResult
 * @property {number} round  counted from 1
 * @property {string} startedAt
 * @property {string|null} finishedAt
 * @property {{index: number, question: any, answeredCount: number, rightCount: number, medianMs: number|null,
 *   distribution: number[]}[]} questions
 * @property {(Standing & {rightCount: number, answeredCount: number})[]} standings  the winner first
 */

/**
 * @typedef {object} PollAnswer
 * @property {StreamMessage[]} messages  in ascending order of `seq`
 * @property {number} seq  the next cursor
 * @property {boolean} more  the answer was full, there is more at once
 * @property {boolean} gap  a signal has expired unseen
 * @property {RoomWithYou} [room]
 * @property {StateChange[]} [state]  what of the shared state has changed
 * @property {number} pollAfterMs
 */

/** @typedef {Record<string, {value: any, seq: number}>} SharedKeys */
/** @typedef {{room: SharedKeys, members: Record<string, SharedKeys>}} SharedState  the room's keys; members' by id */

/**
 * @typedef {object} StateChange  the latest of a key
 * @property {"room"|"me"} scope
 * @property {string|null} by  whose key it is; null: the room's
 * @property {string} key
 * @property {any} [value]
 * @property {true} [removed]  there is no value any more, or none for this page
 * @property {number} seq
 */

/** @typedef {"heart"|"laugh"|"fire"|"sad"|"thumbsup"|"thumbsdown"|"star"|"question"} Emoji */
/** @typedef {{emoji: Emoji, participantIds: string[]}} Reaction */
/** @typedef {{operations: Record<string, any>[], width: number, height: number}} Drawing */
/** @typedef {{imageId: string, url: string, width: number, height: number}} UploadedImage */

/**
 * @typedef {object} Said
 * @property {number} id
 * @property {string} fromId
 * @property {string} name  the author's, as it was then
 * @property {string} createdAt  ISO 8601, UTC
 * @property {Reaction[]} reactions
 */

/**
 * @typedef {Said & ({type: "text", content: string}
 *   | {type: "drawing", content: Drawing}
 *   | {type: "image", content: {url: string, width: number, height: number}})} ChatMessage
 */

/**
 * @typedef {object} OutgoingSignal
 * @property {string} toId
 * @property {"offer"|"answer"|"ice"|"data"} type
 * @property {Record<string, any>} payload
 * @property {string} clientMsgId  makes a repeated send harmless
 */

/** @typedef {{code: string, id: string, token: string}} Seat  what a page must know to act for a participant */

export {};
