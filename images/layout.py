#!/usr/bin/env python3
"""Keeps an OCI image layout (image-spec 1.1) of images with one layer each.

    layout.py add FOLDER TAG[,ALIAS...] ROOT_TAR INPUTS [CHANGE...]   moves ROOT_TAR in as the image's layer
    layout.py layer FOLDER TAG INPUTS                                  prints the layer's file; status 1 when not current

CHANGE is a line as of `docker import --change`. INPUTS is what the image was made from; an image is current when it
was added with the same. Layers that no image has any more are removed.
"""

import fcntl
import hashlib
import json
import os
import platform
import shlex
import sys
from pathlib import Path

INPUTS = "io.opensandbox.image.inputs"
NAME = "org.opencontainers.image.ref.name"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def digest_of(file):
    with open(file, "rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def blob(folder, digest):
    return folder / "blobs" / "sha256" / digest.removeprefix("sha256:")


def read_index(folder):
    file = folder / "index.json"
    return json.loads(file.read_text()) if file.exists() else {"schemaVersion": 2, "manifests": []}


def replace(file, text):
    draft = file.with_name(file.name + ".tmp")
    draft.write_text(text)
    draft.rename(file)


def put_json(folder, media_type, value):
    data = json.dumps(value, sort_keys=True).encode()
    digest = "sha256:" + hashlib.sha256(data).hexdigest()
    blob(folder, digest).write_bytes(data)
    return {"mediaType": media_type, "digest": digest, "size": len(data)}


def settings(changes):
    config = {}
    for change in changes:
        word, _, rest = change.partition(" ")
        if word == "ENV":
            config.setdefault("Env", []).append(rest)
        elif word == "LABEL":
            key, _, value = rest.partition("=")
            config.setdefault("Labels", {})[key] = value
        elif word == "EXPOSE":
            config.setdefault("ExposedPorts", {})[rest + "/tcp"] = {}
        elif word in ("CMD", "ENTRYPOINT"):
            config[word.capitalize()] = json.loads(rest) if rest.startswith("[") else shlex.split(rest)
        elif word in ("WORKDIR", "USER"):
            config[{"WORKDIR": "WorkingDir", "USER": "User"}[word]] = rest
        else:
            sys.exit(f"layout.py: no such change: {change}")
    return config


def add(folder, tags, root, inputs, *changes):
    (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    replace(folder / "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    layer = digest_of(root)
    size = root.stat().st_size
    root.replace(blob(folder, layer))
    config = put_json(folder, "application/vnd.oci.image.config.v1+json", {
        "os": "linux",
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "config": settings(changes),
        "rootfs": {"type": "layers", "diff_ids": [layer]},
    })
    manifest = put_json(folder, "application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": size}],
    })
    index = read_index(folder)
    kept = [entry for entry in index["manifests"] if entry["annotations"][NAME] not in tags]
    index["manifests"] = kept + [{**manifest, "annotations": {NAME: tag, INPUTS: inputs}} for tag in tags]
    replace(folder / "index.json", json.dumps(index, indent=1))
    remove_unused(folder, index)


def layer_of(folder, manifest):
    content = json.loads(blob(folder, manifest["digest"]).read_text())
    return content["config"]["digest"], content["layers"][0]["digest"]


def remove_unused(folder, index):
    used = set()
    for manifest in index["manifests"]:
        used |= {manifest["digest"], *layer_of(folder, manifest)}
    for file in (folder / "blobs" / "sha256").iterdir():
        if "sha256:" + file.name not in used:
            file.unlink()


def layer(folder, tag, inputs):
    for manifest in read_index(folder)["manifests"]:
        if manifest["annotations"] == {NAME: tag, INPUTS: inputs}:
            print(blob(folder, layer_of(folder, manifest)[1]))
            return
    sys.exit(1)


def main(command, folder, tags, *rest):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if command == "add":
            add(folder, tags.split(","), Path(rest[0]), *rest[1:])
        elif command == "layer":
            layer(folder, tags, *rest)
        else:
            sys.exit(f"layout.py: no such command: {command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
