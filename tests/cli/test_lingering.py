"""What keeps a command from ending is named."""

import subprocess
import sys

PROGRAM = """
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Thread, main_thread
from remix.cli.lingering import tell_of_threads

executor = ThreadPoolExecutor(1, thread_name_prefix="idle")  # Python ends its thread
executor.submit(print, "the end")
if {hangs}:
    def stay():
        main_thread().join()
        time.sleep(2.0)
    Thread(target=stay, name="clock").start()
tell_of_threads({patience})
"""


def said(hangs: bool, patience: float) -> str:
    program = PROGRAM.format(hangs=hangs, patience=patience)
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True
    )
    assert ended.stdout == "the end\n"
    return ended.stderr


def test_threads_that_run_on_are_named():
    assert said(True, 0.5) == "warning: all is done but for threads of a game or a callback: clock\n"


def test_a_process_that_ends_says_nothing():
    assert said(False, 60.0) == ""
