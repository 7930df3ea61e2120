"""A form that starts an experiment beside the kernel: its profile, and if blocks are added until all is decided."""

from functools import cached_property
from typing import Any

import ipywidgets

from loadgen import profiles
from workbench import looks
from workbench.errors import UserError

from . import plot_style
from .live_experiment import LiveExperiment
from .live_start import start_experiment
from .shown import paragraphs, widget_bundle

DEFAULT_BLOCKS, MAX_SHOWN_BLOCKS = 16, 40
HINT = (
    "Looks and maximum are fixed when the experiment starts: verdicts are as sure over all looks as those of one. "
    "They cannot be added to an experiment that goes on."
)


class StartForm:
    """Choose a profile and start it; what it measures is shown below.

    form = StartForm()
    form          # choose, and press Start
    form.start()  # what the button does; returns the experiment
    """

    def __init__(self, profile: str = profiles.DEFAULT):
        known = {f"{name}: {chosen.description}": name for name, chosen in profiles.declared().items()}
        self.profile = ipywidgets.Dropdown(options=known, value=profile, description="Profile",
                                           layout={"width": "50em"})  # fmt: skip
        self.until_decided = ipywidgets.Checkbox(description="Add blocks until decided", tooltip=HINT, indent=False)
        self.most = ipywidgets.IntSlider(DEFAULT_BLOCKS, looks.MIN_BLOCKS, MAX_SHOWN_BLOCKS, looks.EVERY,
                                         description="at most")  # fmt: skip
        self._button = ipywidgets.Button(description="Start", icon="play")
        self._button.on_click(lambda _: self._clicked())
        self._below = ipywidgets.VBox([ipywidgets.HTML(paragraphs([HINT]))])

    def start(self) -> LiveExperiment:
        """Start what is chosen. Raises `UserError` while another measurement goes on."""
        options: dict[str, Any] = {"until_decided": self.most.value} if self.until_decided.value else {}
        live = start_experiment(self.profile.value, **options)
        self._below.children = [live.widget]
        live.follow()
        return live

    def _clicked(self) -> None:
        try:
            self.start()
        except UserError as error:
            self._below.children = [ipywidgets.HTML(paragraphs([str(error)]))]

    @cached_property
    def widget(self) -> ipywidgets.VBox:
        """The choices, the button, and what was started."""
        row = ipywidgets.HBox([self.until_decided, self.most, self._button])
        return plot_style.styled([self.profile, row, self._below])

    def __repr__(self) -> str:
        blocks = f", blocks until decided, at most {self.most.value}" if self.until_decided.value else ""
        return f"Profile {self.profile.value}{blocks}; .start() measures it beside the kernel"

    def _repr_mimebundle_(self, **options: Any) -> dict[str, Any]:
        return {"text/plain": repr(self), "text/html": f"<p>{self!r}</p>", **widget_bundle(self.widget)}
