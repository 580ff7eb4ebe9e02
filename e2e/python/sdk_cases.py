"""Runs the cases of `conformance/cases.json` through boto3."""

import cases
import cases_control  # noqa: F401 (it brings its cases)
import cases_guarded  # noqa: F401
import cases_media  # noqa: F401

if __name__ == "__main__":
    cases.run()
