"""A new plugin as a complete package: what ``planwise plugins new`` writes.

``names`` derives what a plugin is called where, ``parts`` says which hooks are written together,
``package`` makes the text of every file, and ``folder`` puts them on the disk, whole or not at all.
"""
