{{ scenario_table('default_age_bands', 'scenario_age_bands', {
    'age_band': 'age_band',
    'min_age': 'min_age',
    'max_age': 'max_age',
    'termination_mult_e5': to_e5('termination_mult'),
    'promotion_mult_e5': to_e5('promotion_mult'),
}) }}
