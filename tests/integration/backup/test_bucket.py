"""Uploads in a bucket are in the backup too, and come back into another bucket: against a real S3 server over HTTP."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from scripts.servers import HOST, find_free_port
from scripts.stack import NO_REDIS, production_environment
from tests.integration.test_bucket import KEY, SECRET
from tests.integration.transfer.installation import Installation, administer, beside, manage, run


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """An S3 server."""
    running = ThreadedMotoServer(ip_address=HOST, port=find_free_port(), verbose=False)
    running.start()
    yield f"http://{HOST}:{running._port}"
    running.stop()


def bucket(address: str, name: str) -> Any:
    """An empty bucket."""
    keys = {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
    return boto3.resource("s3", endpoint_url=address, **keys).create_bucket(Bucket=name)


def environment(database: str, data: Path, address: str, name: str) -> dict[str, str]:
    """Production with its uploads in the bucket `name`."""
    return production_environment(
        database,
        NO_REDIS,
        data,
        AWS_STORAGE_BUCKET_NAME=name,
        AWS_S3_ENDPOINT_URL=address,
        AWS_S3_REGION_NAME="us-east-1",
        AWS_ACCESS_KEY_ID=KEY,
        AWS_SECRET_ACCESS_KEY=SECRET,
    )


def contents(there: Any) -> dict[str, bytes]:
    return {item.key: item.get()["Body"].read() for item in there.objects.all()}


def test_uploads_in_a_bucket_come_back(
    installation: Installation, server: str, address: str, destination: Path, tmp_path: Path
) -> None:
    source, target = bucket(address, "linkup-one"), bucket(address, "linkup-two")
    for path in installation.media.rglob("*.*"):
        source.put_object(Key=path.relative_to(installation.media).as_posix(), Body=path.read_bytes())
    before = contents(source)
    assert len(before) > 3
    here = environment(server, tmp_path / "here", address, "linkup-one")
    file = manage(here, "backup", str(destination), "--quiet").splitlines()[-1]

    administer(beside(server, "postgres"), "CREATE DATABASE in_bucket")
    there = environment(beside(server, "in_bucket"), tmp_path / "there", address, "linkup-two")
    assert "The same as in the backup" in manage(there, "restore", file, "--quiet")
    assert contents(target) == before == contents(source)


def test_a_bucket_that_is_away_is_named(
    installation: Installation, server: str, destination: Path, tmp_path: Path
) -> None:
    here = environment(server, tmp_path / "here", f"http://{HOST}:1", "linkup-one")
    done = run(here, sys.executable, "manage.py", "backup", str(destination), "--quiet")
    assert done.returncode == 1
    assert "The bucket does not answer" in done.stderr
    assert not destination.exists()
