"""Validation: is a model worth to take the place of another?"""
