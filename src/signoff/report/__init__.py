"""The report: one HTML file with the certificate, the audit, the learning and the people."""

from __future__ import annotations

from signoff.report.data import (
    Answerer,
    AuditSample,
    Counts,
    LearningRound,
    Overruled,
    ReportData,
)
from signoff.report.html import render_report

__all__ = [
    "Answerer",
    "AuditSample",
    "Counts",
    "LearningRound",
    "Overruled",
    "ReportData",
    "render_report",
]
