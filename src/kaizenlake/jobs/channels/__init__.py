"""What did e-mail campaigns, ads and web pages achieve, by day and in all?"""
