"""CTWing (China Telecom's NB-IoT platform): HTTP pushes of what its sensors report."""
