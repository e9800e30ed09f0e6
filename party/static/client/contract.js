/** The shapes of the HTTP contract, for TypeScript and for editors: there is nothing here that runs. */

/**
 * @typedef {object} Participant
 * @property {string} id
 * @property {string} name
 * @property {boolean} isHost
 * @property {"host"|"guest"} role
 * @property {boolean} online  whether the service heard of it recently
 * @property {number} score
 * @property {string} joinedAt  ISO 8601, UTC
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
 * @property {string} createdAt  ISO 8601, UTC, as the other times
 * @property {string|null} startedAt
 * @property {string|null} endedAt
 * @property {number} seq  where the stream of this room stands
 * @property {Participant[]} participants  in order of joining
 */

/**
 * @typedef {object} RoomPreview  what anyone may know who has the code
 * @property {string} code
 * @property {"waiting"|"playing"|"ended"} status
 * @property {string} hostName
 * @property {number} participantCount
 * @property {number} maxParticipants
 * @property {boolean} needsPassword
 */

/** @typedef {Room & {you: {id: string, role: "host"|"guest", token?: string}}} RoomWithYou */

/**
 * @typedef {object} StreamMessage  a signal to this participant, or an event in the room
 * @property {number} seq
 * @property {string} type  "offer", "answer", "ice", or an event such as "participant-joined"
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
 * @typedef {object} PollAnswer
 * @property {StreamMessage[]} messages  in ascending order of `seq`
 * @property {number} seq  the next cursor
 * @property {boolean} more  the answer was full, there is more at once
 * @property {boolean} gap  a signal has expired unseen
 * @property {RoomWithYou} [room]
 * @property {number} pollAfterMs
 */

/**
 * @typedef {object} OutgoingSignal
 * @property {string} toId
 * @property {"offer"|"answer"|"ice"} type
 * @property {Record<string, any>} payload
 * @property {string} clientMsgId  makes a repeated send harmless
 */

/** @typedef {{code: string, id: string, token: string}} Seat  what a page must know to act for a participant */

export {};
