#!/usr/bin/env python3
"""Keeps an OCI image layout (image-spec 1.1).

    layout.py add FOLDER TAG[,ALIAS...] ROOT_TAR INPUTS [CHANGE...]   moves ROOT_TAR in as the image's last layer
    layout.py has FOLDER TAG INPUTS                                   status 1 when the image is not there or not current
    layout.py layer FOLDER TAG                                        prints the file of the image's last layer
    layout.py archive FOLDER TAG                                      writes the image as a tar for `docker load`

CHANGE is a line as of `docker import --change`; `FROM TAG` takes the layers and settings of another image of the layout.
INPUTS is what the image was made from; an image is current when it was added with the same, and as long as the image it
is made from is the same. Layers that no image has any more are removed.
"""

import fcntl
import hashlib
import io
import json
import os
import platform
import shlex
import sys
import tarfile
from pathlib import Path

INPUTS = "io.opensandbox.image.inputs"
BASE = "io.opensandbox.image.base"
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


def settings(config, changes):
    for change in changes:
        word, _, rest = change.partition(" ")
        if word == "ENV":
            name = rest.partition("=")[0]
            others = [line for line in config.get("Env", []) if line.partition("=")[0] != name]
            config["Env"] = others + [rest]
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


def find(folder, tag):
    """The index's entry of an image, its manifest and its configuration."""
    for entry in read_index(folder)["manifests"]:
        if entry["annotations"][NAME] == tag:
            manifest = read_json(folder, entry["digest"])
            return entry, manifest, read_json(folder, manifest["config"]["digest"])
    sys.exit(f"layout.py: no image {tag} in {folder}")


def read_json(folder, digest):
    return json.loads(blob(folder, digest).read_text())


def add(folder, tags, root, inputs, *changes):
    (folder / "blobs" / "sha256").mkdir(parents=True, exist_ok=True)
    replace(folder / "oci-layout", '{"imageLayoutVersion":"1.0.0"}')
    base = {"config": {}, "rootfs": {"diff_ids": []}}
    layers = []
    annotations = {INPUTS: inputs}
    if changes and changes[0].startswith("FROM "):
        entry, below, base = find(folder, changes[0].removeprefix("FROM "))
        layers = below["layers"]
        annotations[BASE] = entry["digest"]
        changes = changes[1:]
    layer = digest_of(root)
    size = root.stat().st_size
    root.replace(blob(folder, layer))
    config = put_json(folder, "application/vnd.oci.image.config.v1+json", {
        "os": "linux",
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "config": settings(base["config"], changes),
        "rootfs": {"type": "layers", "diff_ids": base["rootfs"]["diff_ids"] + [layer]},
    })
    manifest = put_json(folder, "application/vnd.oci.image.manifest.v1+json", {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": config,
        "layers": layers + [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer, "size": size}],
    })
    index = read_index(folder)
    kept = [entry for entry in index["manifests"] if entry["annotations"][NAME] not in tags]
    index["manifests"] = kept + [{**manifest, "annotations": {NAME: tag, **annotations}} for tag in tags]
    replace(folder / "index.json", json.dumps(index, indent=1))
    remove_unused(folder, index)


def remove_unused(folder, index):
    used = set()
    for entry in index["manifests"]:
        manifest = read_json(folder, entry["digest"])
        used |= {entry["digest"], manifest["config"]["digest"]} | {layer["digest"] for layer in manifest["layers"]}
    for file in (folder / "blobs" / "sha256").iterdir():
        if "sha256:" + file.name not in used:
            file.unlink()


def has(folder, tag, inputs):
    digests = {entry["digest"] for entry in read_index(folder)["manifests"]}
    for entry in read_index(folder)["manifests"]:
        annotations = entry["annotations"]
        if annotations[NAME] == tag and annotations.get(INPUTS) == inputs and annotations.get(BASE, entry["digest"]) in digests:
            return
    sys.exit(1)


def layer(folder, tag):
    print(blob(folder, find(folder, tag)[1]["layers"][-1]["digest"]))


def archive(folder, tag):
    """The format of `docker save` (Docker image specification 1.2), which older engines know, too."""
    _, manifest, _ = find(folder, tag)
    files = [manifest["config"]["digest"]] + [layer["digest"] for layer in manifest["layers"]]
    names = [digest.removeprefix("sha256:") for digest in files]
    description = [{"Config": names[0] + ".json", "RepoTags": [tag], "Layers": [name + "/layer.tar" for name in names[1:]]}]
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as out:
        for digest, name in zip(files, [names[0] + ".json"] + description[0]["Layers"]):
            entry = tarfile.TarInfo(name)
            entry.size = blob(folder, digest).stat().st_size
            with open(blob(folder, digest), "rb") as content:
                out.addfile(entry, content)
        data = json.dumps(description).encode()
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(data)
        out.addfile(entry, io.BytesIO(data))


def main(command, folder, tags, *rest):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if command == "add":
            add(folder, tags.split(","), Path(rest[0]), *rest[1:])
        elif command == "has":
            has(folder, tags, *rest)
        elif command == "layer":
            layer(folder, tags)
        elif command == "archive":
            archive(folder, tags)
        else:
            sys.exit(f"layout.py: no such command: {command}")


if __name__ == "__main__":
    main(*sys.argv[1:])
