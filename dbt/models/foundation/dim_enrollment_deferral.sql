{{ scenario_table('default_enrollment_deferrals', 'scenario_enrollment_deferrals', {
    'min_age': 'min_age',
    'min_pay_cents': to_cents('min_pay'),
    'deferral_rate_e5': to_e5('deferral_rate'),
}) }}
