"""The screens, one file each; ``streamlit_app.py`` lists them."""
