"""Renders the reference, docstrings and guide, to HTML, and checks that its links lead somewhere."""

import re
import shutil
import sys
import warnings
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pdoc
from pdoc.render import configure
from pdoc.render_helpers import to_html

import wooxy_async

MODULES = (
    "wooxy_async",
    "wooxy_async.campaigns",
    "wooxy_async.journals",
    "wooxy_async.journals.testing",
    "wooxy_async.limits",
    "wooxy_async.limits.testing",
    "wooxy_async.sandbox",
)
GUIDE = Path(wooxy_async.__file__).parent / "guide"
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results"
UNSEEN = re.compile(r"<!-- .*?-->", re.DOTALL)
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
LINK = re.compile(r'(?:href|src)="(?!https?:|#|data:)([^"]+)"')
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title><style>
body {{ font: 1em/1.5 system-ui, sans-serif; max-width: 60em; margin: auto; padding: 1em }}
table {{ border-collapse: collapse }} td, th {{ border: 1px solid #bbb; padding: .2em .5em; text-align: left }}
pre {{ background: #f4f4f4; padding: .7em; overflow: auto }}
</style></head><body><nav><a href="wooxy_async.html">reference</a> {pages}</nav>{body}</body></html>
"""


def render_guide(folder: Path) -> None:
    """Write each page of the guide; links to others of it lead to theirs, and the results are beside them."""
    pages = {path.stem: path.read_text(encoding="utf-8") for path in sorted(GUIDE.glob("*.md"))}
    shutil.copytree(RESULTS, folder / "benchmarks" / "results", dirs_exist_ok=True)
    links = " ".join(f'<a href="guide-{name}.html">{name.replace("-", " ")}</a>' for name in pages)
    for name, text in pages.items():
        body = str(to_html(UNSEEN.sub("", text))).replace("../../benchmarks/", "benchmarks/")
        body = re.sub(r'href="([\w-]+)\.md', r'href="guide-\1.html', body)
        page = PAGE.format(title=f"wooxy_async: {name}", pages=links, body=body)
        (folder / f"guide-{name}.html").write_text(page, encoding="utf-8")


def dead_links(folder: Path) -> list[str]:
    """Return the links within a folder that lead nowhere."""
    return [
        f"{file.name}: {link}"
        for file in folder.rglob("*.html")
        for link in LINK.findall(SCRIPT.sub("", file.read_text(encoding="utf-8")))
        if not (file.parent / unquote(urldefrag(link).url)).is_file()
    ]


def main(folder: Path) -> None:
    """Render everything to a folder."""
    configure(docformat="google")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=UserWarning, module="pdoc")  # of members that are private
        pdoc.pdoc(*MODULES, output_directory=folder)
    render_guide(folder)
    if dead := dead_links(folder):
        raise SystemExit("Links that lead nowhere:\n" + "\n".join(dead))
    print(f"{len(list(folder.rglob('*.html')))} pages: {folder / 'index.html'}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
