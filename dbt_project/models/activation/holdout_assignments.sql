-- In which arm of which experiment each person stands.
with assignments as (
    select * from {{ source('ml', 'holdout_assignments') }}
)

select * from assignments
