"""The guide's Celery tasks under a real worker with its pool of forked processes."""

from collections import Counter
from pathlib import Path

from celery import Celery
from served import program, serving
from waiting import until

from wooxy_async.sandbox import Sandbox

TASKS = program("in-a-queue-worker", "from celery import")
COMMAND = ("celery", "--app", "service", "worker", "--pool", "prefork", "--concurrency", "4", "--loglevel", "WARNING")
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")


async def test_a_worker_that_is_stopped_and_started_again(tmp_path: Path) -> None:
    """The client is made before the fork and sends in each child; nothing is sent twice, and nothing is lost."""
    queue = tmp_path / "queue"
    queue.mkdir()
    transport = {
        f"{name}_folder{end}": str(queue) for name, end in (("data", "_in"), ("data", "_out"), ("control", ""))
    }
    settings = {"broker_url": "filesystem://", "broker_transport_options": transport, "worker_prefetch_multiplier": 1}
    tasks = Celery()
    tasks.conf.update(settings)
    for row in range(40):
        tasks.send_task("service.ready", (f"order-{row}", f"+1415555{row:04d}"))
    first, second = tmp_path / "first", tmp_path / "second"
    async with Sandbox(token="token-of-recipes-03", latency=0.1) as sandbox:
        for folder, enough in ((first, 10), (second, 40)):
            folder.mkdir()
            (folder / "settings.py").write_text("".join(f"{name} = {value!r}\n" for name, value in settings.items()))
            async with serving(folder, sandbox, TASKS, *COMMAND, *QUIET, CELERY_CONFIG_MODULE="settings") as worker:
                await until(lambda enough=enough: sandbox.taken >= enough)
                await worker.stop()
            assert worker.process.returncode == 0, worker.log
        texts = Counter(message.text for message in sandbox.messages)
        assert texts == Counter(f"order-{row} is ready" for row in range(40))
        assert sandbox.violations == 0
        assert sandbox.peak_in_progress > 1
