"""The workbench without its screens: plain functions from frozen values to frozen values."""
