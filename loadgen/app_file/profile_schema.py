"""The part of the schema of `workbench.toml` that is about profiles: named selections of what to measure."""

from typing import Any

from .schema_pieces import MAX_BLOCKS, NAME, SECONDS, Schema, count, items, number, table, text

MAX_REPEATS = 5
MAX_ENTRIES = 200
NAMES: dict[str, Any] = {"minItems": 1, "maxItems": MAX_ENTRIES}
RUNS = table(
    "Arms under scenarios, each with each.",
    {
        "arms": items("Arms, or groups of arms.", text("An arm or a group."), **NAMES),
        "scenarios": items("Scenarios, or groups of scenarios.", text("A scenario or a group."), **NAMES),
        "blocks": count("The blocks that they run in; those of the file if left out.", MAX_BLOCKS),
        "replicated": {"type": "boolean", "description": "They run twice in each block: the difference is noise. "
                       "Where the file has arms, the baseline does."},
        "takes_s": number("Seconds that a run is expected to take, for the progress bar.", **SECONDS),
        "changes": {"type": "object", "description": "Fields of the scenario with other values, such as duration_s.",
                    "additionalProperties": {"type": "number"}},
    },
    required=["arms", "scenarios"],
)  # fmt: skip
SEARCH = table(
    "Searches for the capacity of deployments.",
    {
        "arms": items("Deployments, or groups of them.", text("A deployment or a group."), **NAMES),
        "of": {"enum": ["requests", "users"], "description": "What capacity is counted in."},
        "first": count("The load that a search begins with, if no prediction says another.", 20_000),
        "most": count("The largest load that it tries.", 20_000),
        "warmup_s": number("Seconds before the measured time of a load; 5 if left out.", minimum=0, maximum=86_400),
        "duration_s": number("Measured seconds of a load; 20 if left out.", **SECONDS),
        "blocks": count("The blocks that decide a load; 1 if left out.", MAX_BLOCKS),
        "predicted_under": text("The scenario of the run, under a low load, that predicts the capacity; without it "
                                "there is no prediction."),
        "predicted_from": text("The deployment of that run; the searched one if left out."),
    },
    required=["arms", "of", "first"],
)  # fmt: skip
VERDICTS = table(
    "Metrics that get a verdict, declared before anything is measured.",
    {
        "metrics": items("Names of metrics.", text("A metric, such as makespan_s."), **NAMES),
        "scenario": text("The scenario that they are measured in."),
        "arms": items("The arms that get a verdict, or groups of them.", text("An arm or a group."), **NAMES),
    },
    required=["metrics", "scenario", "arms"],
)
PROFILE = table(
    "A selection of what to measure, for PROFILE= and --profile.",
    {
        "description": text("One sentence for python -m loadgen list."),
        "scale": {"enum": ["small", "production"], "description": "The scale of TraceTrack's data."},
        "repeats": count("How often a run that was disturbed is made again at most.", MAX_REPEATS, 0),
        "runs": items("Arms under scenarios.", RUNS, maxItems=MAX_ENTRIES),
        "searches": items("Searches for capacity.", SEARCH, maxItems=MAX_ENTRIES),
        "verdicts": items("Metrics with verdicts; those of its scenarios if left out.", VERDICTS,
                          maxItems=MAX_ENTRIES),
        "sentinel": table("A load that shows whether the machine changed between the blocks of searches.", {
            "arm": text("Its arm."), "scenario": text("Its scenario."),
            "takes_s": number("Seconds that it is expected to take.", **SECONDS),
        }, required=["arm", "scenario", "takes_s"]),
    },
    required=["runs"],
)  # fmt: skip
GROUPS: Schema = {
    "type": "object",
    "description": "Names for several arms, or for several scenarios.",
    "propertyNames": {"pattern": NAME},
    "additionalProperties": items("What the group stands for.", text("An arm or a scenario."), **NAMES),
}
