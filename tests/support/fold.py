"""What a page makes of its Room with each event: a function of both, and of nothing else."""

from typing import Any

Room = dict[str, Any]
Message = dict[str, Any]

# What a Room has of the moment in which it was asked for.
OF_THE_MOMENT = ("serverTime", "expiresAt", "seq")


def fold(room: Room, event: Message) -> Room | None:
    """The Room after an event; None where only a new Room tells, as for one who has just become the host."""
    you, payload = room["you"], event["payload"]
    people = {each["id"]: each for each in room["participants"]}
    requests = {each["id"]: each for each in room.get("requests", [])}
    changes: Room = {}
    if event["type"] in ("participant-joined", "participant-rejoined"):
        participant = payload["participant"]
        people[participant["id"]] = participant
        requests.pop(participant["id"], None)
    elif event["type"] in ("participant-left", "participant-removed"):
        del people[payload["participantId"]]
    elif event["type"] == "presence-changed":
        presence = payload["presence"]
        people[payload["participantId"]] |= {"presence": presence, "online": presence == "online"}
    elif event["type"] == "role-changed":
        people[payload["participantId"]] |= {"role": payload["role"], "seat": payload["seat"]}
        if payload["participantId"] == you["id"]:
            you = {**you, "role": payload["role"]}
    elif event["type"] == "participant-renamed":
        people[payload["participantId"]] |= {"name": payload["name"]}
        if payload["participantId"] == room["hostId"]:
            changes["hostName"] = payload["name"]
    elif event["type"] == "host-changed":
        if payload["hostId"] == you["id"]:
            return None
        people[payload["previousHostId"]] |= {"role": "player", "isHost": False}
        people[payload["hostId"]] |= {"role": "host", "isHost": True}
        changes |= {"hostId": payload["hostId"], "hostName": people[payload["hostId"]]["name"]}
        if payload["previousHostId"] == you["id"]:
            you = {**you, "role": "player"}
    elif event["type"] == "settings-changed":
        changed = dict(payload["changed"])
        if "maxParticipants" in changed:
            changes["maxParticipants"] = changed.pop("maxParticipants")
        changes["settings"] = {**room["settings"], **changed}
    elif event["type"] == "join-requested":
        requests[payload["participant"]["id"]] = payload["participant"]
    elif event["type"] == "join-withdrawn":
        requests.pop(payload["participantId"])
    elif event["type"] == "room-ended":
        changes |= {"status": payload["status"], "endedAt": payload["endedAt"]}
        if payload["reason"] in ("host-left", "host-absent"):
            people.pop(room["hostId"])
    found = {**room, **changes, "you": you, "participants": list(people.values())}
    found.pop("requests", None)
    return {**found, "requests": list(requests.values())} if you["role"] == "host" else found


def lasting(room: Room) -> Room:
    """A Room without what it has of the moment, nor the token."""
    you = {key: value for key, value in room["you"].items() if key != "token"}
    return {key: value for key, value in room.items() if key not in OF_THE_MOMENT} | {"you": you}
