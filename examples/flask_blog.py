"""A blog on SQLite or PostgreSQL, as a tutorial has it, with two lines of instrumentation.

    gunicorn --chdir examples --threads 4 --bind 127.0.0.1:8000 flask_blog:app

Then open http://127.0.0.1:8000/monitor on the same machine.
"""

import os

from flask import Flask, abort, jsonify, request
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, insert, select

from instrumentation import instrument

app = Flask(__name__)
engine = create_engine(os.environ.get("BLOG_DATABASE") or os.environ.get("DATABASE_URL") or "sqlite:///blog.sqlite")
instrument(app, engine)

metadata = MetaData()
posts = Table(
    "post", metadata, Column("id", Integer, primary_key=True), Column("title", String), Column("body", String)
)
metadata.create_all(engine)


@app.get("/")
def index():
    """The newest posts."""
    with engine.connect() as connection:
        found = connection.execute(select(posts).order_by(posts.c.id.desc()).limit(10)).mappings()
        return jsonify([dict(post) for post in found])


@app.get("/post/<int:number>")
def show(number):
    """One post."""
    with engine.connect() as connection:
        post = connection.execute(select(posts).where(posts.c.id == number)).mappings().first()
    return jsonify(dict(post)) if post else abort(404)


@app.post("/post")
def write():
    """Store a post."""
    with engine.begin() as connection:
        key = connection.execute(insert(posts).values(title=request.form["title"], body=request.form["body"]))
        return jsonify(id=key.inserted_primary_key[0]), 201
