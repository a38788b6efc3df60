import pytest

from journeyscript.source.project import find_project, list_project
from journeyscript.source.yaml import read_file


@pytest.fixture
def project(tmp_path):
    """Return a function that makes files, empty ones, and gives the project's folder."""

    def make(*paths):
        for path in paths:
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")
        return tmp_path

    return make


def test_a_project_is_the_nearest_folder_above_with_a_project_file(project):
    root = project("journeyscript.yaml", "journeys/deep/a.yaml", "inner/journeyscript.yml", "inner/journeys/b.yaml")
    assert find_project(root) == root.resolve()
    assert find_project(root / "journeys" / "deep" / "a.yaml") == root.resolve()
    assert find_project(root / "inner" / "journeys") == (root / "inner").resolve()


def test_a_folder_named_like_the_project_file_makes_no_project(tmp_path):
    (tmp_path / "journeyscript.yaml").mkdir()
    assert find_project(tmp_path) != tmp_path.resolve()


def test_every_kind_of_file_is_found_in_order(project):
    root = project(
        "journeyscript.yaml",
        "journeys/welcome.yaml", "journeys/welcome.test.yaml", "journeys/README.md",
        "journeys/a/b/winback.yml", "journeys/a/b/winback.test.yml",
        "catalog/customer.yaml", "catalog/events.yml", "catalog/other.yaml",
        "channels/sms/channel.yml", "channels/sms/welcome.txt",
        "channels/email/channel.yaml", "channels/email/welcome.md", "channels/email/welcome.zh-CN.md",
        "channels/push/welcome.txt", "channels/stray.md",
        "simulations/spring.yaml", "simulations/old/autumn.yml", "simulations/people.jsonl",
    )  # fmt: skip
    files = list_project(root)
    assert files.root == root
    assert files.config == "journeyscript.yaml"
    assert files.journeys == ("journeys/a/b/winback.yml", "journeys/welcome.yaml")
    assert files.tests == ("journeys/a/b/winback.test.yml", "journeys/welcome.test.yaml")
    assert files.simulations == ("simulations/old/autumn.yml", "simulations/spring.yaml")
    assert (files.customer, files.events, files.segments) == ("catalog/customer.yaml", "catalog/events.yml", None)
    assert files.channels == ("channels/email/channel.yaml", "channels/sms/channel.yml")
    assert files.messages == (
        "channels/email/welcome.md",
        "channels/email/welcome.zh-CN.md",
        "channels/push/welcome.txt",
        "channels/sms/welcome.txt",
    )


def test_hidden_files_and_leftovers_of_editors_are_passed_over(project):
    root = project(
        "journeys/.a.yaml", "journeys/.git/b.yaml", "journeys/c.yaml~", "journeys/.d.yaml.swp", "journeys/#e.yaml#",
        "channels/email/f.md~", "channels/email/#g.md#", "channels/email/h.md.orig", "channels/.hidden/channel.yaml",
    )  # fmt: skip
    files = list_project(root)
    assert (files.journeys, files.channels, files.messages) == ((), (), ())


def test_an_empty_folder_has_no_files(tmp_path):
    files = list_project(tmp_path)
    assert (files.config, files.journeys, files.channels, files.messages) == (None, (), (), ())


def test_of_two_spellings_of_a_file_one_is_taken(project):
    files = list_project(
        project("catalog/events.yaml", "catalog/events.yml", "channels/a/channel.yaml", "channels/a/channel.yml")
    )
    assert files.events == "catalog/events.yaml"
    assert files.channels == ("channels/a/channel.yaml",)
    assert files.messages == ()


def test_a_folder_named_like_a_journey_is_reported_and_not_entered(project):
    root = project("journeys/x.yaml/inside.yaml")
    files = list_project(root)
    assert files.journeys == ("journeys/x.yaml",)
    _, findings = read_file(root, files.journeys[0])
    assert [found.code for found in findings] == ["JS001"]


def test_a_link_back_to_the_project_is_not_followed(project):
    root = project("journeys/a.yaml")
    (root / "journeys" / "again").symlink_to(root / "journeys")
    assert list_project(root).journeys == ("journeys/a.yaml",)
