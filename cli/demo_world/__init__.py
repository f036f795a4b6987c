"""The invented county of ``zhian up --demo``: its places, people, devices and e-bikes, and how they are written."""
