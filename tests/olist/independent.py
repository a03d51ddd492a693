"""The numbers that Olist must give, computed with Polars straight from the CSV files: nothing here knows of Candor."""

from pathlib import Path

import polars as pl

ZONE = "America/Sao_Paulo"
UNKNOWN = "unknown"
_FORMAT = "%Y-%m-%d %H:%M:%S"
_FIRST_MONDAY = pl.date(1970, 1, 5)


def _read(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_csv(folder / f"olist_{name}_dataset.csv", infer_schema=False)


def _local(column: str) -> pl.Expr:
    """A local time without zone."""
    return pl.col(column).str.to_datetime(_FORMAT, time_unit="us")


def _instant(column: str) -> pl.Expr:
    """The instant of a local time; one that did not exist is an hour later, of one that came twice the first is meant."""
    local = _local(column)
    known = local.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    moved = local.dt.offset_by("1h").dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
    return pl.coalesce(known, moved).dt.convert_time_zone("UTC")


def orders(folder: Path) -> pl.DataFrame:
    """One row an order: account, seller, time of purchase."""
    customers = _read(folder, "customers").select("customer_id", account_id="customer_unique_id")
    number = pl.col("order_item_id").cast(pl.Int64)
    sellers = _read(folder, "order_items").sort(number).group_by("order_id", maintain_order=True).agg(unit_id=pl.first("seller_id"))
    found = _read(folder, "orders").join(customers, on="customer_id", how="inner").join(sellers, on="order_id", how="left")
    return found.select("order_id", "account_id", pl.col("unit_id").fill_null(UNKNOWN), purchased_at=_instant("order_purchase_timestamp"))


def payments(folder: Path) -> pl.DataFrame:
    """One row a payment."""
    rows = _read(folder, "order_payments").join(orders(folder), on="order_id", how="inner")
    return rows.select(
        "account_id",
        "order_id",
        pl.col("payment_sequential").cast(pl.Int64),
        pl.concat_str("order_id", pl.lit("-"), "payment_sequential").alias("transaction_id"),
        pl.col("payment_value").cast(pl.Decimal(18, 4)).alias("amount"),
        occurred_at=pl.col("purchased_at"),
    )


def reviews(folder: Path) -> pl.DataFrame:
    """One row a review, with the local day of its answer and the amount of the order's first payment."""
    first = (
        payments(folder).sort("payment_sequential").group_by("order_id", maintain_order=True).first().select("order_id", "transaction_id", "amount")
    )
    rows = _read(folder, "order_reviews").join(orders(folder), on="order_id", how="inner").join(first, on="order_id", how="left")
    return rows.select(
        "account_id",
        "unit_id",
        "order_id",
        "transaction_id",
        pl.concat_str("review_id", pl.lit("-"), "order_id").alias("response_id"),
        pl.col("review_score").cast(pl.Float64).alias("score"),
        pl.col("amount").fill_null(0).alias("revenue"),
        pl.concat_str("review_comment_title", "review_comment_message", separator="\n", ignore_nulls=True).replace("", None).alias("comment"),
        day=_local("review_answer_timestamp").dt.date(),
        asked_at=_instant("review_creation_date"),
        occurred_at=_instant("review_answer_timestamp"),
    )


def loyalty(folder: Path, *by: str) -> pl.DataFrame:
    """Sums of the reviews by columns of ``reviews``, or by ``window_start``: the Monday on which a window of 28 days starts."""
    rows = reviews(folder)
    since = (pl.col("day") - _FIRST_MONDAY).dt.total_days() // 28 * 28
    rows = rows.with_columns(window_start=_FIRST_MONDAY + pl.duration(days=since))
    sums = {
        "n": pl.len().cast(pl.Int64),
        "top_box": (pl.col("score") == 5).sum().cast(pl.Int64),
        "top_two_box": (pl.col("score") >= 4).sum().cast(pl.Int64),
        "score_sum": pl.col("score").sum(),
        "score_sum_squares": (pl.col("score") ** 2).sum(),
        "revenue": pl.col("revenue").sum(),
    }
    return rows.group_by(*by).agg(**sums).sort(*by) if by else rows.select(**sums)


def accounts(folder: Path) -> pl.DataFrame:
    """One row an account."""
    paid, reviewed = payments(folder), reviews(folder)
    seen = pl.concat(
        [
            paid.select("account_id", "occurred_at"),
            reviewed.select("account_id", "occurred_at"),
            reviewed.select("account_id", occurred_at="asked_at"),
        ]
    )
    rows = seen.group_by("account_id").agg(first_seen=pl.min("occurred_at"), last_seen=pl.max("occurred_at"))
    money = paid.group_by("account_id").agg(revenue=pl.sum("amount"), transactions=pl.len().cast(pl.Int64))
    answers = reviewed.group_by("account_id").agg(responses=pl.len().cast(pl.Int64))
    joined = rows.join(money, on="account_id", how="left").join(answers, on="account_id", how="left")
    return joined.with_columns(pl.col("revenue", "transactions", "responses").fill_null(0)).sort("account_id")


def growth(folder: Path) -> pl.DataFrame:
    """One row a month, those without payments too. Nobody says who is new, why, or that money was given back."""
    paid = payments(folder).with_columns(month=pl.col("occurred_at").dt.convert_time_zone(ZONE).dt.date().dt.truncate("1mo"))
    own = paid.group_by("account_id", "month").agg(now=pl.sum("amount"))
    before = own.select("account_id", pl.col("month").dt.offset_by("1mo"), last="now")
    kept = own.join(before, on=["account_id", "month"], how="inner").with_columns(capped=pl.min_horizontal("now", "last"))
    first = paid.group_by("account_id").agg(month=pl.min("month"))
    months = paid.select(month=pl.date_range(pl.col("month").min(), pl.col("month").max(), "1mo"))
    rows = (
        months.join(own.group_by("month").agg(revenue=pl.sum("now"), customers=pl.len().cast(pl.Int64)), on="month", how="left")
        .join(kept.group_by("month").agg(kept=pl.sum("now"), capped=pl.sum("capped"), customers_kept=pl.len().cast(pl.Int64)), on="month", how="left")
        .join(first.group_by("month").agg(customers_new=pl.len().cast(pl.Int64)), on="month", how="left")
        .fill_null(0)
        .sort("month")
        .with_columns(base=pl.col("revenue").shift(1), customers_before=pl.col("customers").shift(1))
    )
    basis = pl.when(pl.col("base") > 0).then(pl.col("base")).cast(pl.Float64)
    return rows.select(
        "month",
        "revenue",
        "base",
        "customers",
        "customers_kept",
        "customers_new",
        nrr=pl.col("kept").cast(pl.Float64) / basis,
        grr=pl.col("capped").cast(pl.Float64) / basis,
        logo_retention=pl.col("customers_kept") / pl.when(pl.col("customers_before") > 0).then(pl.col("customers_before")),
    )
