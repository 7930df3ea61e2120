"""A papermill engine for a kernel that runs already: notebooks after each other share what it has imported and opened.

A notebook leaves no names behind for the next one.
"""

from typing import Any

from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines

NAME = "running-kernel"
FORGET = "get_ipython().reset(new_session=True)"  # all names and outputs of the notebook


class RunningKernelEngine(Engine):
    """Executes a notebook in a running kernel, and leaves that running."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: NotebookExecutionManager, kernel_name: str, **options: Any) -> None:
        """Execute the cells in the kernel of the option `km`, each for at most `execution_timeout` seconds."""
        client = PapermillNotebookClient(nb_man, km=options["km"], timeout=options["execution_timeout"])
        try:
            client.execute()
            assert client.kc is not None
            client.wait_for_reply(client.kc.execute(FORGET, silent=True, store_history=False))
        finally:
            if client.kc is not None:
                client.kc.stop_channels()


papermill_engines.register(NAME, RunningKernelEngine)
