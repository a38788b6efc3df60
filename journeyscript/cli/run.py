"""`journeyscript run`: the runtime on the wall clock, or a replay of recorded events."""

import gc
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from journeyscript.cli.running.logs import LogFormat, set_up
from journeyscript.cli.shared import CONTEXT, cannot, load_sound_project, project_option, store_option

if TYPE_CHECKING:
    from journeyscript.compiler import Project
    from journeyscript.runtime.operating.pulse import Pulse


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The options of `run`, by their names."""

    events: Path | None
    mapping: Path | None
    until: datetime | None
    deliver: bool
    follow: tuple[str, ...]
    once: bool
    standby: bool
    health: Path | None
    metrics_file: Path | None
    metrics_port: int | None
    log_format: LogFormat
    enrol_existing: bool
    dry_run: bool


@click.command("run", context_settings=CONTEXT)
@project_option
@store_option
@click.option(
    "--events", type=click.Path(path_type=Path), help="Replay the events recorded in this file, on virtual time."
)
@click.option("--mapping", type=click.Path(path_type=Path), help="How to read --events that are not our JSON lines.")
@click.option("--until", type=click.DateTime(), help="Where a replay ends (UTC); by default at its last event.")
@click.option("--deliver", is_flag=True, help="Let a replay send for real; else messages are written to files.")
@click.option(
    "--follow", multiple=True, help="Live: read this file as it grows, this directory, or - for standard input."
)
@click.option("--once", is_flag=True, help="Live: do what there is to do now, and end.")
@click.option(
    "--standby", is_flag=True, help="Live: wait while another process holds the store, and take over from it."
)
@click.option(
    "--enrol-existing", is_flag=True, help="Let journeys take in those who were there before, where they say so."
)
@click.option(
    "--health", type=click.Path(dir_okay=False, path_type=Path), help="Live: write this file anew every second."
)
@click.option(
    "--metrics-file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Live: write Prometheus metrics to this file every second, for node_exporter's textfile collector.",
)
@click.option(
    "--metrics-port",
    type=click.IntRange(0, 65_535),
    help="Live: answer Prometheus at http://127.0.0.1:PORT/metrics; 0 takes a port that is free.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How a run speaks to standard error.",
)
@click.option("--dry-run", is_flag=True, help="Decide everything, send nothing, keep nothing.")
def run_command(folder: Path | None, store_path: Path | None, **options: Any) -> None:  # noqa: ANN401 - see `Chosen`
    """Take customers through the journeys.

    Live, events come from standard input where something is piped in, or from --follow; timers fire on the wall
    clock until SIGINT (Ctrl-C) or SIGTERM, and the next start goes on where this one stopped.

    With --events, a recorded history is replayed on virtual time: weeks of waits pass in seconds, messages are
    written to files, and the store is a separate one.

    \b
    journeyscript run --events samples/events.jsonl
    journeyscript run --events orders.csv --mapping mapping.yaml
    producer | journeyscript run
    journeyscript run --follow events.jsonl --once
    """
    chosen = Chosen(**options)
    set_up(chosen.log_format)
    # What batches make has no cycles; the collector would only walk over what is alive.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    project = load_sound_project(folder)
    if not project.journeys:
        cannot("the project has no journeys", "write one in `journeys/`, or run `journeyscript init`")
    if chosen.events is not None:
        _replay(project, store_path, chosen.events, chosen)
    else:
        _live(project, store_path, chosen)


def _replay(project: "Project", store_path: Path | None, events: Path, chosen: Chosen) -> None:
    measured = chosen.metrics_file is not None or chosen.metrics_port is not None
    if chosen.follow or chosen.once or chosen.standby or chosen.enrol_existing or chosen.health or measured:
        cannot(
            "--events replays a recording; --follow, --once, --standby, --enrol-existing, --health, --metrics-file and "
            "--metrics-port belong to a live run",
            "leave one of them out",
        )
    from journeyscript.cli.running.replaying import replay_file

    replay_file(
        project, store_path, events, chosen.mapping, chosen.until, deliver=chosen.deliver, dry_run=chosen.dry_run
    )


def _live(project: "Project", store_path: Path | None, chosen: Chosen) -> None:
    if chosen.mapping is not None or chosen.until is not None or chosen.deliver:
        cannot("--mapping, --until and --deliver belong to a replay", "name a recording with --events")
    if chosen.standby and chosen.dry_run:
        cannot("--dry-run works on a copy, for which it need not stand by", "leave one of them out")
    if chosen.dry_run and not (chosen.metrics_file is None and chosen.metrics_port is None):
        cannot("--dry-run sends nothing, and its metrics would say that it did", "leave one of them out")
    from journeyscript.cli.running.living import run_live
    from journeyscript.cli.running.measuring import Shown

    run_live(
        project,
        store_path,
        chosen.follow,
        once=chosen.once,
        dry_run=chosen.dry_run,
        standby=chosen.standby,
        enrol=chosen.enrol_existing,
        pulse=None if chosen.health is None else _pulse(chosen.health),
        shown=Shown(file=chosen.metrics_file, port=chosen.metrics_port),
    )


def _pulse(path: Path) -> "Pulse":
    from journeyscript.runtime.operating.pulse import Pulse

    try:
        return Pulse(path)
    except OSError as problem:
        cannot(f"`{path}` cannot be written: {problem.strerror}", "name another file with --health")
