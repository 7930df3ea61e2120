"""The colours and the width of what is in a cell: a widget without content, above the figures.

Texts take the colours of the front end's theme, which a figure does not know. A figure of plotly measures its place
when it is made, before JupyterLab has attached it, and later only when the browser's window is resized (`responsive`):
so a change of the cell's width is made known as such a resize.
"""

import anywidget

CLASS = "workbench-lab"
LONG_TEXT = "workbench-long-text"  # of the cells of a table that wrap
CSS = f"""
.{CLASS} .js-plotly-plot text {{ fill: var(--jp-content-font-color1, #1b1f24) !important; }}
.{CLASS} .js-plotly-plot .hoverlayer text {{ fill: #ffffff !important; }}
.{CLASS} .modebar {{ opacity: 0.35; }}
.{CLASS} .js-plotly-plot:hover .modebar {{ opacity: 1; }}
.{CLASS} td.{LONG_TEXT} {{ white-space: normal !important; min-width: 36em; overflow-wrap: anywhere; }}
.{CLASS} p {{ max-width: 60em; margin: 0 0 0.4em; line-height: 1.4; }}
.{CLASS} .widget-html-content {{ color: var(--jp-content-font-color1, #1b1f24); white-space: normal; }}
"""
SCRIPT = """
function render({ el }) {
  let asked = null;
  const fit = () => {
    clearTimeout(asked);
    asked = setTimeout(() => window.dispatchEvent(new Event("resize")), 50);
  };
  const observer = new ResizeObserver(fit);
  observer.observe(el);
  document.addEventListener("plotlywidget-after-render", fit);
  return () => {
    clearTimeout(asked);
    observer.disconnect();
    document.removeEventListener("plotlywidget-after-render", fit);
  };
}
export default { render };
"""


class CellStyle(anywidget.AnyWidget):
    """Gives the widgets of class `CLASS` their colours, and their figures the width of the cell."""

    _css = CSS
    _esm = SCRIPT
