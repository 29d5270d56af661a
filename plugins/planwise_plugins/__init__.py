"""The plugins that come with planwise: ordinary plugins, which import ``planwise.api`` alone."""
