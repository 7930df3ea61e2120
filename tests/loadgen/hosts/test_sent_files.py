"""Files of a worker, on their way to the run."""

from loadgen.hosts import sent_files
from loadgen.hosts.joined_host import file_names
from loadgen.hosts.received_files import ReceivedFiles
from loadgen.hosts.sent_files import PART_BYTES, WINDOW_PARTS, SentFiles

NAME = "requests-host-0.arrows"


class Line:
    """What is on the way to the run; a cut line loses all of it."""

    def __init__(self, directory):
        directory.mkdir()
        self.path = directory / NAME
        self.files = ReceivedFiles(directory, file_names(0, range(1)))
        self.on_the_way = []

    def send(self, kind, content, name, offset):
        self.on_the_way.append((name, offset, content))

    def arrive(self, sent):
        parts, self.on_the_way = self.on_the_way, []
        for part in parts:
            sent.confirm(part[0], self.files.add(*part))


def test_a_file_arrives_while_it_grows_in_a_window_of_parts(tmp_path):
    line = Line(tmp_path / "run")
    sent, path = SentFiles(line.send), tmp_path / "rows"
    sent.add(path, NAME)
    sent.send()
    path.write_bytes(content := bytes(range(256)) * (PART_BYTES * (WINDOW_PARTS + 3) // 256))
    sent.send()
    assert len(line.on_the_way) == WINDOW_PARTS
    assert not sent.is_confirmed
    while not sent.is_confirmed:
        line.arrive(sent)
        sent.send()
    assert line.files.incomplete(sent.descriptions()) == []
    assert line.path.read_bytes() == content
    line.files.close(is_whole=True)


def test_parts_that_are_lost_are_sent_once_more(tmp_path, monkeypatch):
    line = Line(tmp_path / "run")
    sent, path = SentFiles(line.send), tmp_path / "rows"
    sent.add(path, NAME)
    path.write_bytes(b"rows" * 1000)
    sent.send()
    line.on_the_way.clear()
    sent.send()
    assert line.on_the_way == []
    monkeypatch.setattr(sent_files, "REPEAT_AFTER_S", 0.0)
    sent.send()
    idle_s = sent.idle_s
    sent.send()
    assert sent.idle_s > idle_s  # only what is confirmed counts
    line.arrive(sent)
    assert sent.is_confirmed
    assert sent.idle_s < idle_s
    line.files.close(is_whole=True)
