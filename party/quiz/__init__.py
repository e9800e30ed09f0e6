"""The quiz: questions one after the other, answers that the server marks, and scores."""

from flask import Flask

from party.config import Settings
from party.hooks import Feature, Game
from party.quiz import course, fields, models, routes, store


def init_app(app: Flask, settings: Settings) -> Feature:
    """Its calls, and its part of rooms and participants."""
    app.register_blueprint(routes.blueprint)
    return Feature(
        name="quiz",
        models={
            "create": models.QuizOfNewRoom,
            "change settings": models.QuizSettings,
            "room": models.QuizOfRoom,
            "settings": models.QuizSettingsOfRoom,
            "participant": models.Score,
        },
        room_fields=fields.of_room,
        participant_fields=fields.of_participants,
        room_opened=fields.room_opened,
        settings=fields.settings,
        change_settings=fields.change_settings,
        member_gone=fields.member_gone,
        items_later=fields.nothing_later,
        catch_up=course.catch_up,
        children=("party_answers", "party_questions", "party_scores", "party_rounds"),
        game=Game(
            room_fields=fields.of_room,
            participant_fields=fields.of_participants,
            set_quiz=store.set_quiz,
            start=store.start,
            next_question=store.next_question,
            answer=store.answer,
        ),
    )
