-- The survey tool's own words for the contract's kinds; what it does not know goes to quarantine as it stands.
select
    file_line,
    feedback_id,
    answered_at,
    case survey
        when 'Would you recommend us?' then 'nps'
        when 'Product review' then 'review'
        when 'Welcome question' then 'onboarding'
        else survey
    end as kind,
    customer as account_id,
    email,
    answer as score,
    product_id,
    "text",
    exported_at as known_at
from landed
