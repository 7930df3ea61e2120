"""Orders on PostgreSQL by an asynchronous application, as a tutorial has it, with two lines of instrumentation.

    DATABASE_URL=postgresql://user:password@host/database \
        uvicorn --app-dir examples --port 8000 quart_orders:app

Then open http://127.0.0.1:8000/monitor on the same machine.
"""

import os

from quart import Quart, abort, jsonify
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from instrumentation import instrument_asgi

app = Quart(__name__)
engine = create_async_engine(make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg"), pool_size=3)
instrument_asgi(app, engine)


@app.before_serving
async def create_table():
    """Create the table with some orders, unless another worker has."""
    async with engine.begin() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(1)"))
        await connection.execute(text("CREATE TABLE IF NOT EXISTS orders (id int PRIMARY KEY, item text NOT NULL)"))
        await connection.execute(
            text("INSERT INTO orders SELECT n, 'item ' || n FROM generate_series(1, 100) AS n ON CONFLICT DO NOTHING")
        )


@app.get("/orders/<int:number>")
async def show(number):
    """One order."""
    async with engine.connect() as connection:
        order = (await connection.execute(text("SELECT * FROM orders WHERE id = :id"), {"id": number})).mappings()
        found = order.first()
    return jsonify(dict(found)) if found else abort(404)


@app.get("/")
async def index():
    """The number of orders."""
    async with engine.connect() as connection:
        return jsonify(orders=await connection.scalar(text("SELECT count(*) FROM orders")))
