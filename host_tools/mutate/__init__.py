"""Mutation tests of what protects: does some test fail when the code is changed a little?"""
