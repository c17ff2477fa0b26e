"""Adapters to predictors: the built-in text learner, callables, scikit-learn estimators."""
