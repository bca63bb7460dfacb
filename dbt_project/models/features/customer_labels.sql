-- What then happened: within the horizon after each as-of, as far as it was known when the label fell due. The
-- person is followed by what we know of identities now, the features only by what was known then.
with snapshots as (
    select * from {{ ref('customer_snapshots') }}
),

due as (
    select
        as_of_date,
        {{ add_days('as_of_date', var('horizon_days')) }} as horizon_date,
        {{ add_days('as_of_date', var('horizon_days') + var('label_delay_days')) }} as due_date
    from {{ ref('int_as_ofs') }}
),

identifiers_then as (
    select * from {{ ref('snapshot_identifiers') }}
),

identifiers_now as (
    select * from {{ ref('int_identifiers_now') }}
),

successors as (
    select distinct
        identifiers_then.as_of_date,
        identifiers_then.customer_id,
        identifiers_now.customer_id as customer_id_now
    from identifiers_then
    inner join identifiers_now on identifiers_then.identifier_id = identifiers_now.identifier_id
),

outcomes as (
    select * from {{ ref('label_subscriptions' if var('churn_mode') == 'subscription' else 'label_activity') }}
),

stayed as (
    select distinct
        successors.as_of_date,
        successors.customer_id
    from successors
    inner join outcomes
        on successors.as_of_date = outcomes.as_of_date and successors.customer_id_now = outcomes.customer_id
),

final as (
    select
        snapshots.as_of_date,
        snapshots.customer_id,
        snapshots.is_eligible,
        case when not snapshots.is_eligible then snapshots.status_if_not_eligible end as status_if_not_eligible,
        case when due.due_date <= {{ scoring_date() }} and snapshots.is_eligible then stayed.customer_id is null end as has_churned,
        snapshots.is_profiled
    from snapshots
    inner join due on snapshots.as_of_date = due.as_of_date
    left join stayed on snapshots.as_of_date = stayed.as_of_date and snapshots.customer_id = stayed.customer_id
)

select * from final
