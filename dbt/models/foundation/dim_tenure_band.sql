{{ scenario_table('default_tenure_bands', 'scenario_tenure_bands', {
    'tenure_band': 'tenure_band',
    'min_years': 'min_years',
    'max_years': 'max_years',
    'termination_mult_e5': to_e5('termination_mult'),
    'promotion_mult_e5': to_e5('promotion_mult'),
}) }}
