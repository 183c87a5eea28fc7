"""Contacts that are probably one person, spelt differently: found without anybody having labelled anything.

`forms` brings values into the shape in which they are compared, `keys` says who is compared with whom, `levels` compares,
`model` learns from the workspace's own contacts what an agreement is worth, `groups` joins, `words` says why. The method is
that of Fellegi and Sunter with weights learnt by expectation maximisation; docs/probable-duplicates.md tells it whole.
"""
