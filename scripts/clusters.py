"""Database clusters (data folders) of PostgreSQL: create one, or copy one."""

import os
import pwd
import shutil
import subprocess
from pathlib import Path


def create_cluster(binaries: Path, data: Path, owner: pwd.struct_passwd | None) -> str:
    """Create a cluster in the new folder `data`; returns the messages of initdb when it failed, else "".

    `binaries` is the folder of initdb, `owner` the system user of the cluster. C.UTF-8 knows upper and lower case of
    all letters, as servers' locales do.
    """
    command = [str(binaries / "initdb"), "--pgdata", str(data), "--username", "linkup"]
    command += ["--auth", "trust", "--encoding", "UTF8", "--no-sync"]
    errors = ""
    for locale in ("C.UTF-8", "en_US.UTF-8"):
        result = subprocess.run(
            [*command, "--locale", locale],
            cwd=data.parent,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            user=owner.pw_uid if owner else None,
            group=owner.pw_gid if owner else None,
            extra_groups=[] if owner else None,
            check=False,
        )
        if result.returncode == 0:
            return ""
        errors += result.stderr
        shutil.rmtree(data, ignore_errors=True)
    return errors or "It did not say why."


def copy_cluster(cluster: Path, data: Path, owner: pwd.struct_passwd | None) -> str:
    """Copy a stopped cluster to the new folder `data`, for the user `owner`; returns the failure, else ""."""
    try:
        shutil.copytree(cluster, data)
    except OSError as error:  # shutil.Error, which lists all files, is one
        return str(error)
    data.chmod(0o700)
    if owner:
        for path in (data, *data.rglob("*")):
            os.chown(path, owner.pw_uid, owner.pw_gid)
    return ""
