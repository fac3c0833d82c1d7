"""Results as flat rows, one for each model, bias point and class."""

from __future__ import annotations

from typing import Any, Optional

from google.protobuf import message

from .v1 import job_service_pb2

Row = dict[str, Any]


def rows_of(results: job_service_pb2.GetResultsResponse) -> list[Row]:
    """Columns as in ``skewctl results --output csv``, with the job before and a column of its own for every class count.

    Numbers are numbers; None stands where the server has no value (no run has succeeded, or only one).
    """
    return [_row(results.job_id, cell, one) for cell in results.cells for one in cell.classes]


def run_rows_of(results: job_service_pb2.GetResultsResponse) -> list[Row]:
    """One row for each run that has succeeded and class, from results with runs."""
    return [_run_row(results.job_id, cell, run, one) for cell in results.cells for run in cell.runs
            for one in run.classes]


def _cell_columns(job_id: str, cell: job_service_pb2.ResultCell) -> Row:
    counts = sorted(cell.bias_point.counts.items())
    row: Row = {"job": job_id, "model": cell.model,
                "bias_point": " ".join(f"{label}:{count}" for label, count in counts)}
    row.update({f"count_{label}": count for label, count in counts})
    return row


def _row(job_id: str, cell: job_service_pb2.ResultCell, one: job_service_pb2.ClassResult) -> Row:
    finished = cell.runs_succeeded > 0
    row = _cell_columns(job_id, cell)
    row.update({
        "class": getattr(one, "class"),
        "trained_images": one.trained_images,
        "trained_share": one.trained_share,
        "generated_mean": one.generated.mean if one.HasField("generated") else None,
        "generated_sd": _optional(one.generated, "sd"),
        "generated_low": _optional(one.generated, "low"),
        "generated_high": _optional(one.generated, "high"),
        "amplification": _optional(one, "amplification"),
        "rejected_share": cell.rejected.mean if finished else None,
        "off_support_share": cell.off_support.mean if finished else None,
        "corrected_mean": one.corrected.mean if one.HasField("corrected") else None,
        "corrected_sd": _optional(one.corrected, "sd"),
        "corrected_low": _optional(one.corrected, "low"),
        "corrected_high": _optional(one.corrected, "high"),
        "corrected_amplification": _optional(one, "corrected_amplification"),
        "delta": one.delta.mean if one.HasField("delta") else None,
        "corrected_delta": one.corrected_delta.mean if one.HasField("corrected_delta") else None,
        "over_dispersion": _optional(one, "over_dispersion"),
        "total_variation": cell.divergences.total_variation.mean if cell.HasField("divergences") else None,
        "corrected_total_variation": (cell.corrected_divergences.total_variation.mean
                                      if cell.HasField("corrected_divergences") else None),
        "pacc_mean": one.pacc.mean if one.HasField("pacc") else None,
        "pacc_sd": _optional(one.pacc, "sd"),
        "pacc_low": _optional(one.pacc, "low"),
        "pacc_high": _optional(one.pacc, "high"),
        "cleam_mean": one.cleam.mean if one.HasField("cleam") else None,
        "cleam_sd": _optional(one.cleam, "sd"),
        "cleam_low": _optional(one.cleam, "low"),
        "cleam_high": _optional(one.cleam, "high"),
        "judges": max(1, one.judge_spread.judges) if one.HasField("generated") else None,
        "judge_sd": one.judge_spread.sd if one.HasField("judge_spread") else None,
        "corrected_judge_sd": one.corrected_judge_spread.sd if one.HasField("corrected_judge_spread") else None,
        "runs_succeeded": cell.runs_succeeded,
        "runs_total": cell.runs_total,
        "runs_counted": _optional(cell, "runs_counted"),
    })
    return row


def _run_row(job_id: str, cell: job_service_pb2.ResultCell, run: job_service_pb2.RunResult,
             one: job_service_pb2.RunClassResult) -> Row:
    row = _cell_columns(job_id, cell)
    row.update({
        "run": run.run_id,
        "iteration": run.iteration,
        "class": getattr(one, "class"),
        "images": one.images,
        "share": one.share,
        "corrected": _optional(one, "corrected"),
        "pacc": _optional(one, "pacc"),
        "cleam": _optional(one, "cleam"),
        "wilson_low": one.wilson.low,
        "wilson_high": one.wilson.high,
        "clopper_pearson_low": one.clopper_pearson.low,
        "clopper_pearson_high": one.clopper_pearson.high,
        "goodman_low": one.goodman.low,
        "goodman_high": one.goodman.high,
        "chi_square": run.chi_square,
        "chi_square_p": run.chi_square_p,
        "g_statistic": run.g_statistic,
        "g_p": run.g_p,
    })
    return row


def _optional(holder: message.Message, name: str) -> Optional[float]:
    return getattr(holder, name) if holder.HasField(name) else None
