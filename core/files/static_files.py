"""The collected static files: hashed names, compressed, and the scripts joined in bundles."""

from collections.abc import Iterator, MutableMapping
from functools import cache
from typing import Any

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

from .script_bundles import UnsupportedModuleError, write_bundle

BUNDLE_FOLDER = "bundles"
# Django's patterns for imports in modules, which it applies to all files or none.
MODULE_IMPORTS = CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]  # noqa: SLF001


class CachingCompressor(Compressor):  # type: ignore[misc]
    """Compresses each content once: most files exist twice, with and without a hash in the name."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.compress_brotli = cache(super().compress_brotli)
        self.compress_gzip = cache(super().compress_gzip)


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Hashed names, gzip and brotli (R4.5), and a file for each bundle of settings.SCRIPT_BUNDLES.

    The modules are kept beside the bundles, but pages ask for the bundles (`{% module %}`).
    """

    patterns = (
        *CompressedManifestStaticFilesStorage.patterns,
        (f"{BUNDLE_FOLDER}/*.js", MODULE_IMPORTS),
    )

    def post_process(
        self, paths: MutableMapping[str, tuple[Storage, str]], dry_run: bool = False, **options: Any
    ) -> Iterator[Any]:
        """Write the bundles, then do with all files what Django and WhiteNoise do.

        Raises UnsupportedModuleError for a bundle that cannot be written.
        """
        if not dry_run:
            for name, text in self._write_bundles(paths):
                self.delete(name)
                self._save(name, ContentFile(text.encode()))
                paths[name] = (self, name)
        yield from super().post_process(paths, dry_run, **options)

    def create_compressor(self, **options: Any) -> CachingCompressor:
        """Return the compressor of one `collectstatic`."""
        return CachingCompressor(**options)

    def _write_bundles(self, paths: MutableMapping[str, tuple[Storage, str]]) -> Iterator[tuple[str, str]]:
        def read(name: str) -> str:
            if name not in paths:
                raise UnsupportedModuleError(f"There is no module {name!r} among the static files.")
            storage, path = paths[name]
            with storage.open(path) as file:
                content: bytes = file.read()
            return content.decode()

        earlier: list[tuple[str, list[str]]] = []
        for bundle, entries in settings.SCRIPT_BUNDLES.items():
            text, modules = write_bundle(entries, read, earlier=earlier)
            earlier.append((f"{bundle}.js", modules))
            yield f"{BUNDLE_FOLDER}/{bundle}.js", text
