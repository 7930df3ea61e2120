"""A kernel that has imported what 02-analyse and 03-report need: `python -P -m reports.prepared_kernel -f FILE`.

It does so while the command that starts it imports papermill.
"""

from importlib import import_module

from ipykernel import kernelapp

if __name__ == "__main__":
    for name in ("analysis.cli.compare_command", "analysis.findings.evaluation", "reports.sections"):
        import_module(name)
    kernelapp.launch_new_instance()
