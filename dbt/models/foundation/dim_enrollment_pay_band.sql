{{ scenario_table('default_enrollment_pay_bands', 'scenario_enrollment_pay_bands', {
    'min_pay_cents': to_cents('min_pay'),
    'max_pay_cents': to_cents('max_pay'),
    'voluntary_mult_e5': to_e5('voluntary_mult'),
    'opt_out_mult_e5': to_e5('opt_out_mult'),
}) }}
