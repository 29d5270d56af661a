{{ from_chosen() }}
