"""Workers of functions: an alias that moves loses no call, and leaves no process behind."""

import os
from concurrent.futures import ThreadPoolExecutor

from tests.engine.cloud import Cloud, eventually, zipped

WHO = """
    import os, time
    def handler(event, context):
        time.sleep(event.get("seconds", 0))
        return {"process": os.getpid(), "version": context.function_version, "text": "%s"}
"""


def runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_workers_of_a_superseded_version_end_and_no_call_of_theirs_is_lost(cloud: Cloud) -> None:
    function = cloud.function(WHO % "before")
    alias = cloud.alias(function)
    with ThreadPoolExecutor(2) as callers:  # two workers, of which the first one is still busy when the alias moves
        slow = callers.submit(cloud.invoke, alias, {"seconds": 3})
        quick = callers.submit(cloud.invoke, alias, {"seconds": 0.5}).result()[1]
        lambdas = cloud.client("lambda")
        version = lambdas.update_function_code(FunctionName=function, ZipFile=zipped(WHO % "after"), Publish=True)
        lambdas.update_alias(FunctionName=function, Name="live", FunctionVersion=version["Version"])

        assert not runs(quick["process"])
        assert cloud.invoke(alias)[1]["text"] == "after"
        response, busy = slow.result()

    assert (response.get("FunctionError"), busy["text"], busy["version"]) == (None, "before", "1")
    assert busy["process"] != quick["process"]
    eventually(lambda: not runs(busy["process"]), event="the end of the busy worker")


def test_both_versions_of_a_release_keep_their_workers(cloud: Cloud) -> None:
    function = cloud.function(WHO % "before")
    alias = cloud.alias(function)
    stable = cloud.invoke(alias)[1]["process"]
    lambdas = cloud.client("lambda")
    new = lambdas.update_function_code(FunctionName=function, ZipFile=zipped(WHO % "after"), Publish=True)["Version"]

    lambdas.update_alias(
        FunctionName=function, Name="live", RoutingConfig={"AdditionalVersionWeights": {new: 0.000001}}
    )
    assert cloud.invoke(alias)[1]["process"] == stable

    lambdas.update_alias(FunctionName=function, Name="live", FunctionVersion=new, RoutingConfig={})
    assert not runs(stable)
    lambdas.update_alias(FunctionName=function, Name="live", FunctionVersion="1")
    back = cloud.invoke(alias)[1]
    assert (back["text"], cloud.invoke(alias)[1]["process"]) == ("before", back["process"]), "it is warm again"
