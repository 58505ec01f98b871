"""The studio: a program in the browser, where it is tried, looked into, edited and tested.

A server on loopback (`app`) and a page without a build step (`page/`). The server knows the files that were
named when it began (`workspace`), lets nobody in without its token (`guard`), and answers in the JSON that
the command line has.
"""
