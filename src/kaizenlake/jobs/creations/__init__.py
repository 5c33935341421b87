"""What was each content made from, and did its figures come?"""
