"""The record of calls: what each prompt and flow was asked, what it answered, and how sure that was.

Off unless the setting `record` names a file. `store` is that file, `writer` fills it behind the callers'
backs.
"""
