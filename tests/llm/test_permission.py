import pytest
from pydantic import ValidationError

from radtrace.llm import EndpointRefusalError, Material


@pytest.mark.parametrize(
    "source", ["MIMIC-CXR", "mimic_cxr_jpg", "CheXpert Plus", "ms-cxr", "VinDr-CXR", "GEMeX-ThinkVG"]
)
def test_credentialed_sources_are_refused_unless_permission_is_stated(source):
    with pytest.raises(EndpointRefusalError, match="sent nowhere"):
        Material(source=source).check(["1"])
    with pytest.raises(EndpointRefusalError, match="sent nowhere"):
        Material(source=source, permission="  ").check(["1"])
    Material(source=source, permission="the model runs on our own machines").check(["1"])


@pytest.mark.parametrize("name", ["s50414267", "p10/p10000032/s50414267", "patient00001/study1", "p10000032_1"])
def test_ids_of_credentialed_sources_are_told_from_what_is_claimed(name):
    with pytest.raises(EndpointRefusalError, match="of the form that a credentialed source uses"):
        Material(source="openi").check(["1", name])


def test_open_sources_pass():
    Material(source="openi").check(["1", "CXR12_IM-0001", "s5", "p1", "patients00001"])


def test_a_source_must_be_named():
    with pytest.raises(ValidationError, match="name the dataset"):
        Material(source=" ")
