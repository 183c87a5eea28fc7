"""Contacts that are probably one person, spelt differently: found without anybody having labelled anything.

`normalize` prepares values for comparison, `blocking` makes the keys by which pairs are chosen, `comparison` compares,
`fellegi_sunter` learns from the workspace's own contacts what an agreement is worth, `scoring` weighs the pairs,
`clustering` joins them, `explanations` says why. The method is that of Fellegi and Sunter with weights learnt by expectation
maximisation; docs/probable-duplicates.md tells it whole.
"""
