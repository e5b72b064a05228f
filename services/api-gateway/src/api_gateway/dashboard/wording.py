"""What actions are called, what they will do, and what they came to: the words of every dialog and toast."""

from __future__ import annotations

from dataclasses import dataclass

from api_gateway.dashboard import formatting
from jobqueue.queue.v1 import job_pb2, schedule_pb2


@dataclass(frozen=True, slots=True)
class Wording:
    """An action in words. `then`: what happens to a job, after "it" or "they"."""

    title: str
    button: str
    effect: str
    danger: bool = False


JOB_ACTIONS = {
    "retry": Wording("Retry job", "Retry", "It goes back to waiting with its attempts reset. Its history is kept."),
    "edit": Wording(
        "Retry with edited data",
        "Retry with this data",
        "It goes back to waiting with the data below. The data it has now is kept in the audit record.",
    ),
    "cancel": Wording(
        "Cancel job",
        "Cancel job",
        "A waiting or delayed job will never run. The handler of a running one is interrupted within about a second.",
        danger=True,
    ),
    "remove": Wording(
        "Remove job",
        "Remove",
        "The job, its data and its history are forgotten, and its id is free again. This cannot be undone.",
        danger=True,
    ),
    "run": Wording("Run now", "Run now", "It goes to waiting at once and is taken as soon as a worker is free."),
    "reschedule": Wording("Reschedule job", "Reschedule", "It will be due at the time below."),
}
BULK_ACTIONS = {
    "retry": Wording(
        "Retry jobs", "Retry", "They go back to waiting with their attempts reset. Their history is kept."
    ),
    "remove": Wording(
        "Remove jobs",
        "Remove",
        "The jobs, their data and their history are forgotten. This cannot be undone.",
        danger=True,
    ),
    "cancel": Wording(
        "Cancel jobs",
        "Cancel",
        "Waiting and delayed jobs will never run; the handlers of running ones are interrupted.",
        danger=True,
    ),
}
QUEUE_ACTIONS = {
    "pause": Wording(
        "Pause queue", "Pause", "No more jobs are handed out. Those that run go on; new ones are accepted."
    ),
    "resume": Wording("Resume queue", "Resume", "Jobs are handed out again."),
}
SCHEDULE_ACTIONS = {
    "pause": Wording("Pause schedule", "Pause", "It makes no more jobs until it is resumed. Those it made stay."),
    "resume": Wording("Resume schedule", "Resume", "It makes jobs again, from its next time on."),
    "remove": Wording(
        "Remove schedule",
        "Remove",
        "It makes no more jobs. Those it made stay; what it said is kept in the audit record.",
        danger=True,
    ),
    "run": Wording("Run schedule now", "Run now", "One of its jobs is enqueued at once. Its times stay as they are."),
}
SCHEDULE_DONE = {"pause": "is paused", "resume": "makes jobs again", "remove": "was removed"}
SCHEDULE_UNCHANGED = {"pause": "was paused already", "resume": "was not paused", "remove": "was not there"}
RUN_OUTCOMES = {
    schedule_pb2.SCHEDULE_RUN_OUTCOME_ENQUEUED: "made its job",
    schedule_pb2.SCHEDULE_RUN_OUTCOME_KNOWN: "found its job there already",
    schedule_pb2.SCHEDULE_RUN_OUTCOME_FAILED: "made no job",
    schedule_pb2.SCHEDULE_RUN_OUTCOME_SKIPPED: "came too late and was left out",
}
DONE_WORDS = {"retry": "retried", "remove": "removed", "cancel": "cancelled"}


def outcome(action: str, result: job_pb2.ActionOutcome.ValueType, job_id: str) -> str:
    """What an action on one job came to."""
    words = {
        job_pb2.ACTION_OUTCOME_RETRIED: "was retried and waits for a worker",
        job_pb2.ACTION_OUTCOME_REMOVED: "was removed",
        job_pb2.ACTION_OUTCOME_CANCELLED: "was cancelled",
        job_pb2.ACTION_OUTCOME_REQUESTED: "is being cancelled: its handler is interrupted",
        job_pb2.ACTION_OUTCOME_RESCHEDULED: "waits for a worker" if action == "run" else "was rescheduled",
    }
    return f"{job_id} {words.get(result, 'is as it was: nothing changed')}."


def bulk_outcome(action: str, done: int, left: int) -> str:
    """What a bulk action came to."""
    text = f"{formatting.count(done, 'job')} {DONE_WORDS[action]}"
    return f"{text}, {formatting.number(left)} left alone." if left else f"{text}."
