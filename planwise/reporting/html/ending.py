"""What became of a run that did not finish: where it broke off, what is finished, how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from planwise.analysis.run_report import RunReport
from planwise.reporting.html.markup import Html, counted, escaped, name, seconds
from planwise.run_record import RunEnd
from planwise.runs.unfinished import UnfinishedRun

_MOST_MODELS = 12


def ending_section(report: RunReport) -> str:
    """The banner at the top of the page; nothing for a run that finished."""
    run = report.unfinished
    if run is None:
        return ""
    rows = "\n".join(
        f"<div><dt>{escaped(what)}</dt><dd>{content.text}</dd></div>"
        for what, content in _facts(report, run)
    )
    return (
        '<section id="end" class="ending" role="alert" aria-labelledby="heading-end">\n'
        f'<h2 id="heading-end">{escaped(headline(run))}</h2>\n<dl>\n{rows}\n</dl>\n</section>'
    )


def headline(run: UnfinishedRun) -> str:
    """What happened, in a few words."""
    end = run.end
    if end is None:
        return "This run stopped without saying why"
    what = "failed" if end.status == "failed" else "was interrupted"
    where = {"": "", "foundation": " in the foundation"}.get(end.phase, f" in {end.phase}")
    return f"This run {what}{where}"


def told_in_a_line(run: UnfinishedRun) -> str:
    """What happened and what is finished, for a terminal."""
    end = run.end
    why = run.why if end is None else f"stopped by {end.error}"
    if end is not None and end.status == "failed":
        why = end.error
    years = ", ".join(map(str, run.finished)) or "none"
    return f"{headline(run)}: {why} (finished years: {years})"


def _facts(report: RunReport, run: UnfinishedRun) -> Iterator[tuple[str, Html]]:
    end = run.end
    if end is None:
        yield "Why", name(run.why)
    else:
        how = end.error if end.status == "failed" else f"Stopped by {end.error}"
        yield ("Error" if end.status == "failed" else "Why"), Html(f"<code>{name(how).text}</code>")
        if end.models or end.phase:
            yield "Where", _where(end)
    left = [year for year in run.years if year not in run.finished]
    yield "Finished years", Html(_years(run.finished))
    if left:
        yield "Not finished", Html(_years(left))
    if run.account is not None:
        after = f"It ran for {seconds(run.account.wall_s)}"
        yield "Measured", Html(escaped(f"{after}; what it measured until then is below"))
    yield "To go on", Html(_how_to_go_on(run))
    shown = "planwise report " + shlex.quote(str(report.database))
    if run.replaces:
        yield (
            "The result before",
            Html(f"It is as it was: <code>{escaped(shown)} --finished</code> reports it."),
        )


def _where(end: RunEnd) -> Html:
    parts = [end.phase]
    if end.batch:
        parts.append(f"batch {end.batch}")
    text = escaped(", ".join(parts))
    if end.models:
        listed = ", ".join(end.models[:_MOST_MODELS])
        more = len(end.models) - _MOST_MODELS
        listed += f" and {more} more" if more > 0 else ""
        text += f", with {escaped(counted(len(end.models), 'model'))}: {name(listed).text}"
    return Html(text)


def _years(years: Sequence[int]) -> str:
    return escaped(", ".join(map(str, years))) or "none"


def _how_to_go_on(run: UnfinishedRun) -> str:
    if not run.finished:
        return "No year was finished: mend the cause, then simulate again."
    first = "Mend the cause, then give" if run.end and run.end.status == "failed" else "Give"
    return (
        f"{first} the same command with <code>--resume</code>: it goes on after "
        f"{run.finished[-1]}, and runs no finished year again. The figures below are those of the "
        "finished years."
    )
